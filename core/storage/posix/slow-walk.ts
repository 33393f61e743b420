import { awaitedLater } from './awaited-later.ts';
import { CallLimit } from './call-limit.ts';
import { pooledCallsAtMost } from './call-pool.ts';
import { DirectoryCache } from './directory-cache.ts';
import { DirectoryNames } from './directory-names.ts';
import {
  EntryRules,
  ForbiddenDirectory,
  type Found,
  type Looked,
  type OpenDirectory,
  probeFlags,
} from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { FileStatus } from './file-status.ts';
import { close, closeAsync, duplicate, openatAtAsync } from './libc.ts';
import { flagsOfSource } from './open-directory.ts';
import { type CopyBlock, type LookedCopy, SlowCopyLook } from './slow-copy-look.ts';
import type { DirectoryRest, Stretch, StretchEnd } from './stretch.ts';
import type { StretchOptions } from './stretch-walk.ts';
import { check, SystemError } from './system-error.ts';

/** So many names of a directory are looked at together. */
const namesPerRound = 64;

const noName = new Uint8Array(1);

/** With the digests of groups without attributes (see CopyLook). */
type Taken = Found & { readonly plain: number[] };

/** Hears at once what follows after the names that were just read, to have it walked meanwhile. */
export type OnRest = (rest: DirectoryRest) => void;

/**
 * Walks stretches where each call takes long: many calls at once, on the threads of the pool, within a directory and
 * in several. One stretch is one block of names; the entries are those of StretchWalk.
 */
export class SlowWalk {
  readonly #calls = new CallLimit(pooledCallsAtMost);
  readonly #rules: EntryRules;
  readonly #directories: DirectoryCache;
  readonly #copies: SlowCopyLook | undefined;
  readonly #spareNames: DirectoryNames[] = [];
  readonly #spareLooked: Looked[] = [];

  constructor(options: StretchOptions) {
    this.#rules = new EntryRules(options);
    const flags = flagsOfSource(options.followsSymlinks === true);
    this.#directories = new DirectoryCache(options, this.#calls, flags);
    this.#copies = options.copies && new SlowCopyLook(options.copies, this.#calls);
  }

  async walk(stretch: Stretch, sink: EntrySink, onRest: OnRest): Promise<StretchEnd> {
    const found: Taken = { directories: [], excluded: 0, plain: [] };
    try {
      if (stretch.kind === 'rest') await this.#goOn(stretch.rest, sink, found, onRest);
      else await this.#enter(stretch.paths.at(-1)!, sink, found, onRest);
    } catch (error) {
      if (error instanceof ForbiddenDirectory) return { ...end([], 0, found), forbidden: error.path };
      throw error;
    }
    const { directories } = found;
    if (stretch.kind === 'rest') return end(directories, 0, found);
    return end([...stretch.paths.slice(0, -1), ...directories], 1, found);
  }

  /** No call begins any more. */
  stop(reason: Error): void {
    this.#calls.end(reason);
  }

  /** All stretches have ended. */
  async close(): Promise<void> {
    await this.#directories.close();
    await this.#copies?.close();
  }

  async #enter(path: string, sink: EntrySink, found: Taken, onRest: OnRest): Promise<void> {
    let fd: number;
    try {
      fd = await this.#directories.open(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.cause === 'ENOENT') return;
      sink.directory(path);
      return sink.unreadable(noName, 0, error.cause);
    }
    try {
      sink.directory(path);
      if (await this.#isElsewhere({ path, fd })) return;
      await this.#readFirstBlock({ path, fd }, sink, found, onRest);
    } finally {
      this.#directories.release(path);
    }
  }

  /** Meanwhile it is found out whether the destination has the directory, which the sink was given last. */
  async #readFirstBlock(
    directory: OpenDirectory,
    sink: EntrySink,
    found: Taken,
    onRest: OnRest,
  ): Promise<void> {
    if (this.#copies === undefined) return this.#readBlock(directory, sink, found, onRest);
    const index = sink.same();
    const looking = awaitedLater(this.#copies.isSame(directory));
    try {
      await this.#readBlock(directory, sink, found, onRest);
    } finally {
      if (!(await looking)) sink.notSame(index);
    }
  }

  async #isElsewhere({ path, fd }: OpenDirectory): Promise<boolean> {
    if (!this.#rules.selection.staysOnDevice) return false;
    const status = new FileStatus();
    const result = await this.#calls.run(() => status.readOpenAsync(fd));
    check(result, 'look at source directory');
    return this.#rules.selection.isElsewhere(path, status);
  }

  async #goOn(rest: DirectoryRest, sink: EntrySink, found: Taken, onRest: OnRest): Promise<void> {
    try {
      await this.#readBlock(rest, sink, found, onRest);
    } finally {
      close(rest.fd);
    }
  }

  async #readBlock(rest: DirectoryRest, sink: EntrySink, found: Taken, onRest: OnRest): Promise<void> {
    const names = this.#spareNames.pop() ?? new DirectoryNames();
    const entering = this.#copies && awaitedLater(this.#copies.enter(rest));
    try {
      if (!(await this.#fill(names, rest, sink))) return;
      const fd = check(duplicate(rest.fd), 'keep a source directory open');
      onRest({ path: rest.path, fd, block: names.block });
      await this.#lookAtBlock(rest, names, sink, found, await entering);
    } finally {
      await (await entering)?.close();
      this.#spareNames.push(names);
    }
  }

  async #fill(names: DirectoryNames, rest: DirectoryRest, sink: EntrySink): Promise<boolean> {
    const { path, fd, names: read, block } = rest;
    names.open(fd, this.#rules.selection.listedIn(path), block);
    if (read !== undefined) {
      names.load(read);
      return true;
    }
    try {
      return await this.#calls.run(() => names.fillAsync());
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      sink.unreadable(noName, 0, error.cause);
      return false;
    }
  }

  async #lookAtBlock(
    directory: OpenDirectory,
    names: DirectoryNames,
    sink: EntrySink,
    found: Taken,
    copies: CopyBlock | undefined,
  ): Promise<void> {
    for (let isOver = false; !isOver; )
      isOver = await this.#lookAtRound(directory, names, sink, found, copies);
    if (copies !== undefined) found.plain.push(...(await copies.end(sink)));
  }

  /** True at the end of the block. */
  async #lookAtRound(
    directory: OpenDirectory,
    names: DirectoryNames,
    sink: EntrySink,
    found: Taken,
    copies: CopyBlock | undefined,
  ): Promise<boolean> {
    const { selection } = this.#rules;
    const places: number[] = [];
    const looking: (Promise<Looked> | undefined)[] = [];
    const lookingThere: (Promise<LookedCopy> | undefined)[] = [];
    let last = names.place;
    while (places.length < namesPerRound && names.next()) {
      last = names.place;
      if (selection.hasFilter && selection.leavesOut(directory, names)) {
        found.excluded++;
        continue;
      }
      places.push(names.place);
      const needsStatus = this.#rules.needsStatus(names);
      looking.push(needsStatus ? this.#look(directory.fd, names.address) : undefined);
      lookingThere.push(needsStatus ? copies?.look(names.address, names.isSymlink) : undefined);
    }
    if (places.length === 0) return true;
    const [all, there] = await Promise.all([settled(looking), settled(lookingThere)]);
    for (const [i, place] of places.entries()) {
      names.goTo(place);
      const [looked, copy] = [all[i], there[i]];
      const mayBeSame = this.#rules.settle(directory, names, looked, sink, found);
      if (mayBeSame && copy !== undefined) copies!.settle(looked!.status, copy, names, sink);
      if (looked !== undefined) this.#spareLooked.push(looked);
      if (copy !== undefined) copies!.giveBack(copy);
    }
    names.goTo(last);
    return false;
  }

  async #look(fd: number, address: number): Promise<Looked> {
    const looked = this.#spareLooked.pop() ?? { result: 0, status: new FileStatus() };
    looked.result = await this.#calls.run(() =>
      looked.status.readAtAsync(fd, address, this.#rules.selection.mask),
    );
    if (this.#rules.needsProbe(looked.result, looked.status))
      looked.result = await this.#calls.run(() => this.#probe(fd, address));
    return looked;
  }

  async #probe(directory: number, address: number): Promise<number> {
    const fd = await openatAtAsync(directory, address, probeFlags, 0);
    if (fd >= 0) await closeAsync(fd);
    return this.#rules.probed(fd);
  }
}

/** All results, when none of the calls goes on any more: they write to memory that is used again. */
async function settled<T>(promises: (Promise<T> | undefined)[]): Promise<(T | undefined)[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function bytesOf(words: readonly number[]): Uint8Array | undefined {
  return words.length === 0 ? undefined : new Uint8Array(Uint32Array.from(words).buffer);
}

function end(pending: string[], directories: number, { excluded, plain }: Taken): StretchEnd {
  return { pending, isSlow: true, names: 0, directories, excluded, plain: bytesOf(plain) };
}
