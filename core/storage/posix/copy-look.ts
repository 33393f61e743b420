import { DigestSet, digestBytes } from '../../model/digest-set.ts';
import { PlainRuns } from '../../model/plain-runs.ts';
import { type CopyLookOptions, CopyRules } from './copy-rules.ts';
import { DirectoryStack } from './directory-stack.ts';
import type { OpenDirectory } from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { knowsAttributes, knowsAttributesAt } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { STATX_BASIC_STATS, STATX_INO } from './libc-metadata.ts';
import { mayHaveAttributesIn } from './named-attributes.ts';
import { openToPass } from './open-directory.ts';
import { SeenCopies, type SeenPlace } from './seen-copies.ts';
import { SystemError } from './system-error.ts';
import { tellsChanges } from './told-changes.ts';

/** What is known of the attributes of a file: nothing, and that is to be asked; that it has some. */
const [asked, left] = [0, 2];

/** The name in force, as DirectoryNames has it. */
type NameInForce = { readonly address: number };

/**
 * Looks at the destination while the source is walked: a file of which a copy is there, with all that is to be
 * kept, is marked in the sink as the same. What is not sure is left as it is. Nothing is changed at either side.
 */
export class CopyLook {
  readonly #options: CopyLookOptions;
  readonly #rules: CopyRules;
  readonly #plain: DigestSet;
  readonly #copies: PlainRuns;
  readonly #directories: DirectoryStack;
  readonly #copy = new FileStatus();
  readonly #seen = new SeenCopies();
  /** Not opened yet at the destination. */
  #entered: OpenDirectory | undefined;
  #place: SeenPlace | undefined;
  #found: Buffer[] = [];

  constructor(options: CopyLookOptions) {
    this.#options = options;
    this.#rules = new CopyRules(options);
    this.#plain = new DigestSet(options.plain);
    this.#copies = new PlainRuns(options.plainCopies);
    this.#directories = new DirectoryStack(options.destination, openToPass);
  }

  /** The names that follow are in this directory of the source. */
  enter(directory: OpenDirectory): void {
    this.#seen.clear();
    this.#entered = directory;
    this.#place = undefined;
  }

  /** Opened when there is a file to be looked for. */
  #open({ path, fd }: OpenDirectory): void {
    this.#entered = undefined;
    try {
      this.#place = placeOf(fd, this.#directories.enter(path), this.#options, this.#copy);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  /** The entry that the sink was given last has this name, in the block in force, and this status. */
  look(source: FileStatus, { address }: NameInForce, sink: EntrySink): void {
    if (!this.#rules.mayBeKnown(source)) return;
    if (this.#entered !== undefined) this.#open(this.#entered);
    const place = this.#place;
    if (place === undefined) return;
    const copy = this.#copy;
    if (copy.readAt(place.destination, address, STATX_BASIC_STATS) !== 0) return;
    if (!this.#rules.isCopy(copy, source) || !isIn(place, source, copy)) return;
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
    const digest = place.tellsChanges ? seen.digest(place) : undefined;
    if (!isRemembered(this.#plain, digest)) {
      const known = seen.knownSinceCopied(place, this.#copies);
      if (this.#leaveSome(place, known, sink)) return;
      if (!seen.changedBefore(this.#options.settledBefore, known)) return;
    }
    if (digest !== undefined) this.#found.push(digest);
  }

  /** Digests of groups without attributes since the last call. */
  take(): Uint8Array | undefined {
    if (this.#found.length === 0) return undefined;
    const found = new Uint8Array(this.#found.length * digestBytes);
    for (const [i, digest] of this.#found.entries()) found.set(digest, i * digestBytes);
    this.#found = [];
    return found;
  }

  close(): void {
    this.#directories.close();
  }

  /** Takes back what has attributes, which have to be compared; true when there is any. What is known need not be asked. */
  #leaveSome(place: SeenPlace, known: Uint8Array, sink: EntrySink): boolean {
    const { names, indexes } = this.#seen;
    const states = Uint8Array.from(known);
    const ask = (directory: number, device: number) => {
      for (let i = 0; i < names.length; i++)
        if (states[i] === asked && mayHaveAttributesIn(directory, names[i]!, device)) states[i] = left;
    };
    if (place.asksDestination) ask(place.destination, place.destinationDevice);
    if (place.asksSource) ask(place.source, place.sourceDevice);
    for (const [i, index] of indexes.entries()) if (states[i] === left) sink.notSame(index);
    return states.includes(left);
  }
}

/** Whether a group has been found to have no attributes. */
export function isRemembered(plain: DigestSet, digest: Buffer | undefined): boolean {
  return digest !== undefined && plain.has(digest.readUInt32LE(0), digest.readUInt32LE(4));
}

/**
 * Files are remembered in groups of some thousand: a group ends with a file whose inode says so, so that a walk that was interrupted
 * somewhere, or a directory that has got a name more, has the other groups as they were.
 */
export function endsGroup({ inodeLow }: FileStatus): boolean {
  return Math.imul(inodeLow, 0x9e3779b1) >>> 22 === 0;
}

/** Undefined where both are one directory. Throws a SystemError. */
export function placeOf(
  source: number,
  destination: number,
  { keepsAttributes }: Pick<CopyLookOptions, 'keepsAttributes'>,
  status: FileStatus,
): SeenPlace | undefined {
  const of = (fd: number, action: string) => {
    const { deviceNumber: device, inodeLow, inodeHigh } = status.readOpen(fd, action, STATX_INO);
    return { device, inodeLow, inodeHigh };
  };
  const from = of(source, 'look at source directory');
  const to = of(destination, 'look at destination directory');
  const [{ device: sourceDevice }, { device: destinationDevice, inodeLow, inodeHigh }] = [from, to];
  if (sourceDevice === destinationDevice && from.inodeLow === inodeLow && from.inodeHigh === inodeHigh)
    return undefined;
  const asksSource = knowsAttributes(source, sourceDevice);
  const asksDestination = keepsAttributes && knowsAttributesAt(destination, destinationDevice);
  const tellsBoth =
    (!asksSource || tellsChanges(source, sourceDevice)) &&
    (!asksDestination || tellsChanges(destination, destinationDevice));
  // All of one shape, for the code that is compiled for it
  return {
    source,
    destination,
    sourceDevice,
    destinationDevice,
    inodeLow,
    inodeHigh,
    asksSource,
    asksDestination,
    tellsChanges: tellsBoth,
  };
}

/** False of a file that something is mounted on. */
export function isIn(place: SeenPlace, source: FileStatus, copy: FileStatus): boolean {
  return source.deviceNumber === place.sourceDevice && copy.deviceNumber === place.destinationDevice;
}
