import { type Comparison, isKnownByStamp } from '../../model/compare.ts';
import { type SeenEntries, seenStates, wordsPerStamp } from '../../model/seen-entries.ts';
import { knowsAttributes } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { AT_FDCWD, addressOf } from './libc.ts';
import { STATX_BASIC_STATS } from './libc-metadata.ts';
import { mayHaveAttributes } from './named-attributes.ts';
import { goTo } from './own-directory.ts';
import { mayGive, me } from './ownership.ts';
import { mustStop } from './stop-flag.ts';
import { SystemError } from './system-error.ts';
import type { Trees } from './trees.ts';

/** So many files are looked at at one side, and then at the other: each time the thread changes its directory. */
const atOnce = 64;
const typeMask = 0o170000;
const setIdBits = 0o6000;

/** Open directories, and whether what is in them can have attributes. */
type Directories = {
  readonly source: number;
  readonly destination: number;
  readonly asksSource: boolean;
  readonly asksDestination: boolean;
};
export type SameFilesOptions = { readonly keeper: Keeper; readonly compare: Comparison };

/**
 * Finds the files that the destination holds already, by what the scan saw of them: one call for the copy's status, and one at each
 * side to see that there are no attributes. Whatever is not found so is left to be looked at as ever: it is missing, differs, or
 * has something that has to be compared or told.
 */
export class SameFiles {
  readonly #trees: Trees;
  readonly #keeper: Keeper;
  readonly #isPossible: boolean;
  readonly #status = new FileStatus();
  readonly #modeMask: number;
  readonly #ownerMask: number;
  #text: Uint8Array | undefined;
  #address = 0;

  constructor(trees: Trees, { keeper, compare }: SameFilesOptions) {
    [this.#trees, this.#keeper] = [trees, keeper];
    this.#isPossible = isKnownByStamp(compare) && !keeper.followsSymlinks;
    this.#modeMask = keeper.mode ? 0xffff : typeMask;
    this.#ownerMask = keeper.owner ? -1 : 0;
  }

  /** Makes `same` or `left` of what is `stamped`. */
  find(seen: SeenEntries): void {
    if (seen.text !== this.#text) [this.#text, this.#address] = [seen.text, addressOf(seen.text)];
    for (const { path, from, to } of seen.directories) {
      if (!seen.states.subarray(from, to).includes(seenStates.stamped)) continue;
      const directories = this.#open(path);
      for (let at = from; at < to; at += atOnce) {
        const end = Math.min(to, at + atOnce);
        if (directories === undefined || mustStop()) settle(seen.states, at, end, seenStates.left);
        else this.#findSome(seen, at, end, directories);
      }
    }
  }

  /** Undefined where nothing can be the same, or this thread cannot ask. */
  #open(path: string): Directories | undefined {
    const { source: tree } = this.#trees;
    // What is directly below a virtual top is in directories of its own
    const isPossible = this.#isPossible && tree.isAsScanned(path) && !(tree.isVirtual && path === '');
    if (!isPossible) return undefined;
    try {
      const source = tree.directory(path);
      const destination = this.#trees.destinationDirectory(path);
      const { isNew, device } = this.#trees.factsOf(destination);
      if (isNew) return undefined;
      const { deviceNumber } = this.#status.readOpen(source, 'look at source');
      const isKept = this.#keeper.xattr || this.#keeper.acl;
      const asksDestination = isKept && knowsAttributes(destination, device);
      return { source, destination, asksDestination, asksSource: knowsAttributes(source, deviceNumber) };
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }

  #findSome(seen: SeenEntries, from: number, to: number, where: Directories): void {
    const there = goTo(where.destination);
    if (there) this.#leaveWhere(seen, from, to, (i, name) => !this.#isThere(seen, i, name));
    if (there && where.asksDestination)
      this.#leaveWhere(seen, from, to, (_, name) => mayHaveAttributes(name));
    const here = there && (!where.asksSource || goTo(where.source));
    if (here && where.asksSource) this.#leaveWhere(seen, from, to, (_, name) => mayHaveAttributes(name));
    settle(seen.states, from, to, here ? seenStates.same : seenStates.left);
  }

  #leaveWhere(
    { states, names }: SeenEntries,
    from: number,
    to: number,
    isLeft: (i: number, name: number) => boolean,
  ): void {
    for (let i = from; i < to; i++)
      if (states[i] === seenStates.stamped && isLeft(i, this.#address + names[i]!))
        states[i] = seenStates.left;
  }

  #isThere({ stamps }: SeenEntries, i: number, name: number): boolean {
    const at = i * wordsPerStamp;
    if ((stamps[at]! & setIdBits) !== 0 || !this.#mayKeepOwner(stamps[at + 1]!, stamps[at + 2]!))
      return false;
    const status = this.#status;
    if (status.readAt(AT_FDCWD, name, STATX_BASIC_STATS) !== 0) return false;
    return status.hasStamp(stamps, at, this.#modeMask, this.#ownerMask);
  }

  /** What this user cannot keep has to be told each time. */
  #mayKeepOwner(uid: number, gid: number): boolean {
    return me.uid === 0 || !this.#keeper.owner || (uid === me.uid && mayGive(gid));
  }
}

function settle(states: Uint8Array, from: number, to: number, as: number): void {
  for (let i = from; i < to; i++) if (states[i] === seenStates.stamped) states[i] = as;
}
