import { DigestSet } from '../../model/digest-set.ts';
import { PlainRuns } from '../../model/plain-runs.ts';
import { awaitedLater } from './awaited-later.ts';
import type { CallLimit } from './call-limit.ts';
import { endsGroup, isIn, placeBetween } from './copy-look.ts';
import { type CopyLookOptions, CopyRules } from './copy-rules.ts';
import { DirectoryCache } from './directory-cache.ts';
import type { DirectoryNames } from './directory-names.ts';
import type { Looked, OpenDirectory } from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { knowsNone } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { nativeName } from './libc.ts';
import { STATX_BASIC_STATS } from './libc-metadata.ts';
import { mayHaveAttributesAsync } from './named-attributes.ts';
import { passingFlags } from './open-directory.ts';
import { haveSameAttributesAsync } from './same-attributes.ts';
import { hasSameTargetAsync } from './same-target.ts';
import { SeenCopies, type SeenPlace } from './seen-copies.ts';
import { SystemError } from './system-error.ts';

/** What the destination has under a name; of a symlink also whether it leads to another place than the source's, or is none. */
export type LookedCopy = Looked & { leadsElsewhere: boolean };

/** A directory at both sides, and its status there. */
type Opened = {
  readonly place: SeenPlace;
  readonly source: FileStatus;
  readonly copy: FileStatus;
  readonly release: () => void;
};

/** What CopyLook does, where each call takes long: many at once, beside those of the walk. */
export class SlowCopyLook {
  readonly options: CopyLookOptions;
  readonly rules: CopyRules;
  readonly plain: DigestSet;
  readonly copies: PlainRuns;
  readonly calls: CallLimit;
  readonly #directories: DirectoryCache;
  readonly #spare: LookedCopy[] = [];

  constructor(options: CopyLookOptions, calls: CallLimit) {
    this.options = options;
    this.rules = new CopyRules(options);
    this.plain = new DigestSet(options.plain);
    this.copies = new PlainRuns(options.plainCopies);
    this.calls = calls;
    this.#directories = new DirectoryCache({ root: options.destination }, calls, passingFlags);
  }

  /** What is to be looked at of a block of names in this directory; `close` it. Undefined where nothing can be the same. */
  async enter(directory: OpenDirectory): Promise<CopyBlock | undefined> {
    const opened = await this.#open(directory);
    return opened && new CopyBlock(this, opened.place, opened.release);
  }

  /** True when the destination has this directory, with all that is to be kept. */
  async isSame(directory: OpenDirectory): Promise<boolean> {
    const opened = await this.#open(directory);
    if (opened === undefined) return false;
    const { place, source, copy, release } = opened;
    try {
      if (!this.rules.isSameDirectory(copy, source)) return false;
      return !(await this.mayHaveAttributes(place, '.')) || (await this.hasSameAttributes(place, '.'));
    } finally {
      release();
    }
  }

  /** Undefined too where the kernel does not know what was just opened. */
  async #open({ path, fd }: OpenDirectory): Promise<Opened | undefined> {
    const [source, copy] = [new FileStatus(), new FileStatus()];
    try {
      const destination = await this.#directories.open(path);
      const release = () => this.#directories.release(path);
      const results = await Promise.all([
        this.calls.run(() => source.readOpenAsync(fd)),
        this.calls.run(() => copy.readOpenAsync(destination)),
      ]);
      const sides = [
        { fd, status: source },
        { fd: destination, status: copy },
      ] as const;
      const place = results.some((result) => result !== 0) ? undefined : placeBetween(...sides, this.options);
      if (place !== undefined) return { place, source, copy, release };
      release();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
    return undefined;
  }

  async mayHaveAttributes(place: SeenPlace, name: string): Promise<boolean> {
    const { source, destination, sourceDevice, destinationDevice, asksSource, asksDestination } = place;
    const ask = (directory: number, device: number) =>
      this.calls.run(() => mayHaveAttributesAsync(directory, nativeName(name), device));
    const may = await Promise.all([
      asksSource && ask(source, sourceDevice),
      asksDestination && ask(destination, destinationDevice),
    ]);
    return may.includes(true);
  }

  /** False too where not all are kept: what is right depends on which. */
  async hasSameAttributes(place: SeenPlace, name: string): Promise<boolean> {
    const { source, destination, sourceDevice, destinationDevice } = place;
    const one = { directory: source, device: sourceDevice };
    const other = { directory: destination, device: destinationDevice };
    const run = (call: () => Promise<number>) => this.calls.run(call);
    return this.options.keepsAllAttributes && haveSameAttributesAsync(one, other, name, run);
  }

  async look({ source, destination }: SeenPlace, name: number, isSymlink: boolean): Promise<LookedCopy> {
    const looked = this.#spare.pop() ?? { result: 0, status: new FileStatus(), leadsElsewhere: false };
    const looking = this.calls.run(() => looked.status.readAtAsync(destination, name, STATX_BASIC_STATS));
    looked.leadsElsewhere = false;
    if (isSymlink) {
      const reading = this.calls.run(() => hasSameTargetAsync(source, destination, name));
      // None goes on after the end: they read the name, and write to memory that is used again
      await Promise.allSettled([looking, reading]);
      looked.leadsElsewhere = !(await reading);
    }
    looked.result = await looking;
    return looked;
  }

  giveBack(looked: LookedCopy): void {
    this.#spare.push(looked);
  }

  async close(): Promise<void> {
    await this.#directories.close();
  }
}

/** A name with an entry of the sink, to be asked for its attributes. */
type Asked = { readonly name: string; readonly index: number };

/** One block of names, of which copies are looked for. */
export class CopyBlock {
  readonly #look: SlowCopyLook;
  readonly #place: SeenPlace;
  readonly #release: () => void;
  readonly #seen = new SeenCopies();
  #group: Asked[] = [];
  readonly #asking: Promise<void>[] = [];
  /** Two words each. */
  readonly #found: number[] = [];

  constructor(look: SlowCopyLook, place: SeenPlace, release: () => void) {
    this.#look = look;
    this.#place = place;
    this.#release = release;
  }

  /** What the destination has under the name at this address. */
  look(name: number, isSymlink: boolean): Promise<LookedCopy> {
    return this.#look.look(this.#place, name, isSymlink);
  }

  /** The sink was given the name in force last, a file or a symlink; `copy` is what `look` has found. */
  settle(source: FileStatus, copy: LookedCopy, names: DirectoryNames, sink: EntrySink): void {
    const { rules } = this.#look;
    const mayBeKnown =
      source.type === 'file'
        ? rules.mayBeKnown(source)
        : rules.mayBeKnownSymlink(source) && !copy.leadsElsewhere;
    if (copy.result !== 0 || !mayBeKnown || !rules.isCopy(copy.status, source)) return;
    if (!isIn(this.#place, source, copy.status)) return;
    const index = sink.same();
    this.#seen.add(names.start, index, source, copy.status);
    this.#group.push({ name: names.name, index });
    if (endsGroup(source)) this.#endGroup(sink);
  }

  giveBack(looked: LookedCopy): void {
    this.#look.giveBack(looked);
  }

  /** Settles all that has to be asked; returns digests of groups without attributes, two words each. */
  async end(sink: EntrySink): Promise<readonly number[]> {
    this.#endGroup(sink);
    await Promise.all(this.#asking);
    return this.#found;
  }

  /** Nothing that was asked goes on any more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#asking);
    this.#release();
  }

  #endGroup(sink: EntrySink): void {
    const [place, group, seen] = [this.#place, this.#group, this.#seen];
    const { asksSource, asksDestination, sourceDevice, destinationDevice } = place;
    const asks =
      (asksSource && !knowsNone(sourceDevice)) || (asksDestination && !knowsNone(destinationDevice));
    if (group.length > 0 && asks) this.#asking.push(awaitedLater(this.#ask(group, sink)));
    seen.clear();
    this.#group = [];
  }

  async #ask(group: readonly Asked[], sink: EntrySink): Promise<void> {
    const [{ tellsChanges }, seen] = [this.#place, this.#seen];
    const { options, plain, copies } = this.#look;
    const { low, high } = seen.digest(this.#place);
    if (!tellsChanges || !plain.has(low, high)) {
      const known = seen.knownSinceCopied(this.#place, copies);
      // What is seen is of another group as soon as this one waits
      const isSettled = seen.changedBefore(options.settledBefore, known);
      const unknown = group.filter((_, i) => known[i] === 0);
      if (!(await this.#arePlain(unknown, sink)) || !isSettled) return;
    }
    if (tellsChanges) this.#found.push(low, high);
  }

  /** Takes back what has other attributes than its copy; true when none has any. */
  async #arePlain(group: readonly Asked[], sink: EntrySink): Promise<boolean> {
    const have = await Promise.all(group.map(({ name }) => this.#look.mayHaveAttributes(this.#place, name)));
    const some = group.filter((_, i) => have[i]);
    const same = some.map(({ name }) => this.#look.hasSameAttributes(this.#place, name));
    for (const [i, isSame] of (await Promise.all(same)).entries()) if (!isSame) sink.notSame(some[i]!.index);
    return some.length === 0;
  }
}
