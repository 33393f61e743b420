import { CopyLook } from './copy-look.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import {
  EntryRules,
  ForbiddenDirectory,
  type Found,
  type Looked,
  type OpenDirectory,
  probeFlags,
  type RuleOptions,
} from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { FileStatus } from './file-status.ts';
import { Latency } from './latency.ts';
import { close, duplicate, openatAt } from './libc.ts';
import { followSourceDirectory, openSourceDirectory } from './open-directory.ts';
import type { DirectoryRest, Stretch, StretchEnd } from './stretch.ts';
import { check, SystemError } from './system-error.ts';
import { openBelow, type WalkTop } from './walk-top.ts';

export type StretchOptions = RuleOptions &
  WalkTop & {
    /** A stretch ends after so many names, or soon after; left out: after 2048. */
    readonly namesAtMost?: number;
    /** For tests, whatever calls take: true, every name counts as slow; false, none does. */
    readonly isSlow?: boolean;
  };

const noName = new Uint8Array(1);

/**
 * Walks stretches, one call after the other. What cannot be read is an `unreadable` entry, never an exception; what
 * vanishes meanwhile is left out.
 */
export class StretchWalk {
  readonly #options: StretchOptions;
  readonly #namesAtMost: number;
  readonly #rules: EntryRules;
  readonly #stack: DirectoryStack;
  readonly #names = new DirectoryNames();
  readonly #looked: Looked = { result: 0, status: new FileStatus() };
  readonly #latency = new Latency();
  readonly #copies: CopyLook | undefined;
  /** Of the stretch in force. */
  #found: Found = { directories: [], excluded: 0 };
  #seen = 0;
  #directories = 0;
  #isSlow = false;

  constructor(options: StretchOptions) {
    this.#options = options;
    this.#namesAtMost = options.namesAtMost ?? 2048;
    this.#rules = new EntryRules(options);
    this.#copies = options.copies && new CopyLook(options.copies);
    const open = options.followsSymlinks ? followSourceDirectory : openSourceDirectory;
    this.#stack = new DirectoryStack(options.root, openBelow(options, open));
  }

  /** Gives the entries of a stretch to the sink, until it is done or long enough. */
  walk(stretch: Stretch, sink: EntrySink): StretchEnd {
    this.#found = { directories: stretch.kind === 'directories' ? [...stretch.paths] : [], excluded: 0 };
    this.#seen = 0;
    this.#directories = 0;
    this.#isSlow = false;
    this.#latency.begin();
    try {
      const rest = stretch.kind === 'rest' ? this.#goOn(stretch.rest, sink) : this.#walkPending(sink);
      return { ...this.#end(), ...(rest === undefined ? {} : { rest }) };
    } catch (error) {
      if (!(error instanceof ForbiddenDirectory)) throw error;
      return { ...this.#end(), forbidden: error.path };
    }
  }

  #end(): StretchEnd {
    return {
      pending: this.#found.directories,
      excluded: this.#found.excluded,
      isSlow: this.#isSlow,
      names: this.#seen,
      directories: this.#directories,
      plain: this.#copies?.take(),
    };
  }

  close(): void {
    this.#stack.close();
    this.#copies?.close();
  }

  /** The rest of the directory in which the stretch ended. */
  #walkPending(sink: EntrySink): DirectoryRest | undefined {
    while (!this.#isLong()) {
      const path = this.#found.directories.pop();
      if (path === undefined) return undefined;
      const names = this.#enter(path, sink);
      if (names !== undefined) return { path, fd: this.#keepOpen(path), block: this.#names.block, ...names };
    }
    return undefined;
  }

  #keepOpen(path: string): number {
    return check(duplicate(this.#stack.enter(path)), 'keep a source directory open');
  }

  #isLong(): boolean {
    return this.#seen >= this.#namesAtMost || this.#isSlow;
  }

  #enter(path: string, sink: EntrySink): { names?: Uint8Array } | undefined {
    this.#seen++;
    this.#directories++;
    let fd: number;
    try {
      fd = this.#stack.enter(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.cause === 'ENOENT') return undefined;
      sink.directory(path);
      sink.unreadable(noName, 0, error.cause);
      return undefined;
    }
    sink.directory(path);
    this.#note();
    if (this.#isElsewhere({ path, fd })) return undefined;
    if (this.#copies?.enter({ path, fd })) sink.same();
    this.#names.open(fd, this.#rules.selection.listedIn(path));
    return this.#read({ path, fd }, sink);
  }

  #isElsewhere({ path, fd }: OpenDirectory): boolean {
    if (!this.#rules.selection.staysOnDevice) return false;
    const { status } = this.#looked;
    return this.#rules.selection.isElsewhere(path, status.readOpen(fd, 'look at source directory'));
  }

  #goOn(rest: DirectoryRest, sink: EntrySink): DirectoryRest | undefined {
    let left: { names?: Uint8Array } | undefined;
    // Of the same shape as one that is entered: what looks at each name is compiled for one
    const directory = { path: rest.path, fd: rest.fd };
    try {
      this.#copies?.enter(directory);
      this.#names.open(rest.fd, this.#rules.selection.listedIn(rest.path), rest.block);
      if (rest.names !== undefined) {
        this.#names.load(rest.names);
        left = this.#lookAtBlock(directory, sink);
      }
      left ??= this.#isSlow ? {} : this.#read(directory, sink);
    } finally {
      if (left === undefined) close(rest.fd);
    }
    if (left === undefined) return this.#walkPending(sink);
    return { path: rest.path, fd: rest.fd, block: this.#names.block, ...left };
  }

  /** Undefined when the directory was read to its end, else what is left of the block in force. */
  #read(directory: OpenDirectory, sink: EntrySink): { names?: Uint8Array } | undefined {
    try {
      while (this.#names.fill()) {
        // Only now is it known that there is a rest: a job for nothing would keep a thread from another
        if (this.#isLong()) return { names: this.#names.rest() };
        const left = this.#lookAtBlock(directory, sink);
        if (left !== undefined || this.#isSlow) return left ?? {};
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      sink.unreadable(noName, 0, error.cause);
    }
    return undefined;
  }

  #lookAtBlock(directory: OpenDirectory, sink: EntrySink): { names: Uint8Array } | undefined {
    const left = this.#lookAtNames(directory, sink);
    this.#copies?.endGroup(sink);
    return left;
  }

  #lookAtNames(directory: OpenDirectory, sink: EntrySink): { names: Uint8Array } | undefined {
    const names = this.#names;
    const [rules, found] = [this.#rules, this.#found];
    const { selection } = rules;
    while (names.next()) {
      this.#seen++;
      if (selection.hasFilter && selection.leavesOut(directory, names)) {
        found.excluded++;
        continue;
      }
      const looked = rules.needsStatus(names) ? this.#look(directory.fd) : undefined;
      const mayBeSame = rules.settle(directory, names, looked, sink, found);
      if (mayBeSame) this.#copies?.look(looked!.status, names, sink);
      if (looked !== undefined && this.#note()) return { names: names.rest() };
    }
    return undefined;
  }

  #look(fd: number): Looked {
    const looked = this.#looked;
    const { address } = this.#names;
    looked.result = looked.status.readAt(fd, address, this.#rules.selection.mask);
    if (this.#rules.needsProbe(looked.result, looked.status)) looked.result = this.#probe(fd, address);
    return looked;
  }

  #probe(directory: number, address: number): number {
    const fd = openatAt(directory, address, probeFlags, 0);
    if (fd >= 0) close(fd);
    return this.#rules.probed(fd);
  }

  /** True when calls have proved slow. */
  #note(): boolean {
    if (!this.#isSlow) this.#isSlow = this.#options.isSlow ?? this.#latency.isSlow();
    return this.#isSlow;
  }
}
