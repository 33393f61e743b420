import { DigestSet } from '../../model/digest-set.ts';
import { PlainRuns } from '../../model/plain-runs.ts';
import { type CopyLookOptions, CopyRules } from './copy-rules.ts';
import { DirectoryStack } from './directory-stack.ts';
import type { OpenDirectory } from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { knowsAttributes, knowsAttributesAt } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { STATX_BASIC_STATS } from './libc-metadata.ts';
import { dotAt, mayHaveAttributesIn } from './named-attributes.ts';
import { openToPass } from './open-directory.ts';
import { haveSameAttributes } from './same-attributes.ts';
import { hasSameTarget } from './same-target.ts';
import { SeenCopies, type SeenPlace } from './seen-copies.ts';
import { SystemError } from './system-error.ts';
import { tellsChanges } from './told-changes.ts';

/** What is known of the attributes of a file: nothing, and that is to be asked; that it has some. */
const [asked, hasSome] = [0, 2];

type Keeps = Pick<CopyLookOptions, 'keepsAttributes'>;

/** The name in force, as DirectoryNames has it. */
type NameInForce = { readonly address: number };

/**
 * Looks at the destination while the source is walked: a directory, file or symlink of which a copy is there, with all that is to be
 * kept, is marked in the sink as the same. What is not sure is left as it is. Nothing is changed at either side.
 */
export class CopyLook {
  readonly #options: CopyLookOptions;
  readonly #rules: CopyRules;
  readonly #plain: DigestSet;
  readonly #copies: PlainRuns;
  readonly #directories: DirectoryStack;
  readonly #directory = new FileStatus();
  readonly #copy = new FileStatus();
  readonly #seen = new SeenCopies();
  #place: SeenPlace | undefined;
  /** Two words each. */
  #found: number[] = [];

  constructor(options: CopyLookOptions) {
    this.#options = options;
    this.#rules = new CopyRules(options);
    this.#plain = new DigestSet(options.plain);
    this.#copies = new PlainRuns(options.plainCopies);
    this.#directories = new DirectoryStack(options.destination, openToPass);
  }

  /** The names that follow are in this directory of the source. True when the destination has it, with all that is to be kept. */
  enter({ path, fd }: OpenDirectory): boolean {
    this.#seen.clear();
    this.#place = undefined;
    const [source, copy] = [this.#directory, this.#copy];
    try {
      const destination = this.#directories.enter(path);
      this.#place = placeOf({ fd, status: source }, { fd: destination, status: copy }, this.#options);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
    const place = this.#place;
    return place !== undefined && this.#rules.isSameDirectory(copy, source) && !this.#isOther(place, dotAt);
  }

  /** The entry that the sink was given last, a file or a symlink, has this name, in the block in force, and this status. */
  look(source: FileStatus, { address }: NameInForce, sink: EntrySink): void {
    const isFile = source.type === 'file';
    if (!(isFile ? this.#rules.mayBeKnown(source) : this.#rules.mayBeKnownSymlink(source))) return;
    const place = this.#place;
    if (place === undefined) return;
    const copy = this.#copy;
    if (copy.readAt(place.destination, address, STATX_BASIC_STATS) !== 0) return;
    if (!this.#rules.isCopy(copy, source) || !isIn(place, source, copy)) return;
    if (!isFile && !hasSameTarget(place.source, place.destination, address)) return;
    this.#seen.add(address, sink.same(), source, copy);
    if (endsGroup(source)) this.endGroup(sink);
  }

  /** To be called where the block of names in force has come to its end, or to where it is left. */
  endGroup(sink: EntrySink): void {
    const [seen, place] = [this.#seen, this.#place];
    if (place === undefined || seen.names.length === 0) return;
    if (place.asksSource || place.asksDestination) this.#ask(place, sink);
    seen.clear();
  }

  #ask(place: SeenPlace, sink: EntrySink): void {
    const seen = this.#seen;
    const { low, high } = seen.digest(place);
    if (!place.tellsChanges || !this.#plain.has(low, high)) {
      const known = seen.knownSinceCopied(place, this.#copies);
      if (this.#leaveSome(place, known, sink)) return;
      if (!seen.changedBefore(this.#options.settledBefore, known)) return;
    }
    if (place.tellsChanges) this.#found.push(low, high);
  }

  /** Digests of groups without attributes since the last call. */
  take(): Uint8Array | undefined {
    if (this.#found.length === 0) return undefined;
    const found = Uint32Array.from(this.#found);
    this.#found = [];
    return new Uint8Array(found.buffer);
  }

  close(): void {
    this.#directories.close();
  }

  /** True when what has this name may have other attributes than its copy. */
  #isOther(place: SeenPlace, name: number): boolean {
    const { source, destination, sourceDevice, destinationDevice, asksSource, asksDestination } = place;
    const hasSome =
      (asksDestination && mayHaveAttributesIn(destination, name, destinationDevice)) ||
      (asksSource && mayHaveAttributesIn(source, name, sourceDevice));
    return hasSome && !this.#hasSame(place, name);
  }

  /** Where not all are kept, what is right depends on which. */
  #hasSame({ source, destination, sourceDevice, destinationDevice }: SeenPlace, name: number): boolean {
    const [one, other] = [
      { directory: source, device: sourceDevice },
      { directory: destination, device: destinationDevice },
    ];
    return this.#options.keepsAllAttributes && haveSameAttributes(one, other, name);
  }

  /** Takes back what has other attributes than its copy; true when there is any that has some. What is known need not be asked. */
  #leaveSome(place: SeenPlace, known: Uint8Array, sink: EntrySink): boolean {
    const { names, indexes } = this.#seen;
    const states = Uint8Array.from(known);
    const ask = (directory: number, device: number) => {
      for (let i = 0; i < names.length; i++)
        if (states[i] === asked && mayHaveAttributesIn(directory, names[i]!, device)) states[i] = hasSome;
    };
    if (place.asksDestination) ask(place.destination, place.destinationDevice);
    if (place.asksSource) ask(place.source, place.sourceDevice);
    if (!states.includes(hasSome)) return false;
    for (const [i, index] of indexes.entries())
      if (states[i] === hasSome && !this.#hasSame(place, names[i]!)) sink.notSame(index);
    return true;
  }
}

/**
 * Files are remembered in groups of some thousand: a group ends with a file whose inode says so, so that a walk that was interrupted
 * somewhere, or a directory that has got a name more, has the other groups as they were.
 */
export function endsGroup({ inodeLow }: FileStatus): boolean {
  return Math.imul(inodeLow, 0x9e3779b1) >>> 22 === 0;
}

/** An open directory, and where its status is read to. */
export type Side = { readonly fd: number; readonly status: FileStatus };

/** Reads the status of both. Undefined where both are one directory. Throws a SystemError. */
export function placeOf(source: Side, copy: Side, options: Keeps): SeenPlace | undefined {
  source.status.readOpen(source.fd, 'look at source directory');
  copy.status.readOpen(copy.fd, 'look at destination directory');
  return placeBetween(source, copy, options);
}

/** The same where the status of both was read. */
export function placeBetween(source: Side, copy: Side, { keepsAttributes }: Keeps): SeenPlace | undefined {
  const [{ deviceNumber: sourceDevice }, { deviceNumber: destinationDevice }] = [source.status, copy.status];
  if (copy.status.isSameFileAs(source.status)) return undefined;
  const asksSource = knowsAttributes(source.fd, sourceDevice);
  const asksDestination = keepsAttributes && knowsAttributesAt(copy.fd, destinationDevice);
  const tellsBoth =
    (!asksSource || tellsChanges(source.fd, sourceDevice)) &&
    (!asksDestination || tellsChanges(copy.fd, destinationDevice));
  // All of one shape, for the code that is compiled for it
  return {
    source: source.fd,
    destination: copy.fd,
    sourceDevice,
    destinationDevice,
    inodeLow: copy.status.inodeLow,
    inodeHigh: copy.status.inodeHigh,
    asksSource,
    asksDestination,
    tellsChanges: tellsBoth,
  };
}

/** False of a file that something is mounted on. */
export function isIn(place: SeenPlace, source: FileStatus, copy: FileStatus): boolean {
  return source.deviceNumber === place.sourceDevice && copy.deviceNumber === place.destinationDevice;
}
