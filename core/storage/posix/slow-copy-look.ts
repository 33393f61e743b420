import { DigestSet } from '../../model/digest-set.ts';
import { PlainRuns } from '../../model/plain-runs.ts';
import type { CallLimit } from './call-limit.ts';
import { endsGroup, isIn, isRemembered, placeOf } from './copy-look.ts';
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
import { SeenCopies, type SeenPlace } from './seen-copies.ts';
import { SystemError } from './system-error.ts';

/** What CopyLook does, where each call takes long: many at once, beside those of the walk. */
export class SlowCopyLook {
  readonly options: CopyLookOptions;
  readonly rules: CopyRules;
  readonly plain: DigestSet;
  readonly copies: PlainRuns;
  readonly calls: CallLimit;
  readonly #directories: DirectoryCache;
  readonly #spare: Looked[] = [];

  constructor(options: CopyLookOptions, calls: CallLimit) {
    this.options = options;
    this.rules = new CopyRules(options);
    this.plain = new DigestSet(options.plain);
    this.copies = new PlainRuns(options.plainCopies);
    this.calls = calls;
    this.#directories = new DirectoryCache({ root: options.destination }, calls, passingFlags);
  }

  /** What is to be looked at of a block of names in this directory; `close` it. Undefined where nothing can be the same. */
  async enter({ path, fd }: OpenDirectory): Promise<CopyBlock | undefined> {
    try {
      const destination = await this.#directories.open(path);
      const release = () => this.#directories.release(path);
      const place = this.#placeOf(fd, destination);
      if (place !== undefined) return new CopyBlock(this, place, release);
      release();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
    return undefined;
  }

  /** What the kernel knows of what was just opened; undefined too where it does not. */
  #placeOf(source: number, destination: number): SeenPlace | undefined {
    try {
      return placeOf(source, destination, this.options, new FileStatus());
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }

  async look(destination: number, name: number): Promise<Looked> {
    const looked = this.#spare.pop() ?? { result: 0, status: new FileStatus() };
    looked.result = await this.calls.run(() =>
      looked.status.readAtAsync(destination, name, STATX_BASIC_STATS),
    );
    return looked;
  }

  giveBack(looked: Looked): void {
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
  readonly #found: Buffer[] = [];

  constructor(look: SlowCopyLook, place: SeenPlace, release: () => void) {
    this.#look = look;
    this.#place = place;
    this.#release = release;
  }

  /** What the destination has under the name at this address. */
  look(name: number): Promise<Looked> {
    return this.#look.look(this.#place.destination, name);
  }

  /** The sink was given the name in force last, a file; `copy` is what `look` has found. */
  settle(source: FileStatus, copy: Looked, names: DirectoryNames, sink: EntrySink): void {
    const { rules } = this.#look;
    if (copy.result !== 0 || !rules.mayBeKnown(source) || !rules.isCopy(copy.status, source)) return;
    if (!isIn(this.#place, source, copy.status)) return;
    const index = sink.same();
    this.#seen.add(names.start, index, source, copy.status);
    this.#group.push({ name: names.name, index });
    if (endsGroup(source)) this.#endGroup(sink);
  }

  giveBack(looked: Looked): void {
    this.#look.giveBack(looked);
  }

  /** Settles all that has to be asked; returns digests of groups without attributes. */
  async end(sink: EntrySink): Promise<readonly Buffer[]> {
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
    if (group.length > 0 && asks) this.#asking.push(this.#ask(group, sink));
    seen.clear();
    this.#group = [];
  }

  async #ask(group: readonly Asked[], sink: EntrySink): Promise<void> {
    const [place, seen] = [this.#place, this.#seen];
    const { options, plain, copies } = this.#look;
    const digest = place.tellsChanges ? seen.digest(place) : undefined;
    if (!isRemembered(plain, digest)) {
      const known = seen.knownSinceCopied(place, copies);
      // What is seen is of another group as soon as this one waits
      const isSettled = seen.changedBefore(options.settledBefore, known);
      const unknown = group.filter((_, i) => known[i] === 0);
      if (!(await this.#arePlain(unknown, sink)) || !isSettled) return;
    }
    if (digest !== undefined) this.#found.push(digest);
  }

  /** Takes back what has attributes, which have to be compared. */
  async #arePlain(group: readonly Asked[], sink: EntrySink): Promise<boolean> {
    const plain = await Promise.all(group.map((asked) => this.#isPlain(asked)));
    for (const [i, { index }] of group.entries()) if (!plain[i]) sink.notSame(index);
    return !plain.includes(false);
  }

  async #isPlain({ name }: Asked): Promise<boolean> {
    const { source, destination, sourceDevice, destinationDevice, asksSource, asksDestination } = this.#place;
    const ask = (directory: number, device: number) =>
      this.#look.calls.run(() => mayHaveAttributesAsync(directory, nativeName(name), device));
    const may = await Promise.all([
      asksSource && ask(source, sourceDevice),
      asksDestination && ask(destination, destinationDevice),
    ]);
    return !may.includes(true);
  }
}
