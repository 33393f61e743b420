import type { Algorithm } from '../../model/algorithm.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import type { Hashed, Hashing, HashJob, NamedFile } from './hash-jobs.ts';
import { type Hasher, makeHasher } from './hasher.ts';
import { close, nativeName } from './libc.ts';
import { POSIX_FADV_DONTNEED, posixFadvise, pread } from './libc-content.ts';
import { takeBytes, takeEntry } from './limits.ts';
import { followSourceDirectory, openSourceDirectory } from './open-directory.ts';
import { openSource } from './open-source.ts';
import { check, SystemError } from './system-error.ts';

/** A file of more is left, to be hashed by itself. */
const largeFrom = 16 * 1024 * 1024;
const stepBytes = 1024 * 1024;
const buffer = Buffer.allocUnsafeSlow(stepBytes);
const before = new FileStatus();
const after = new FileStatus();

/** Hashes files of one tree; nothing is written to. */
export class FileHasher {
  readonly #hashing: Hashing;
  readonly #directories: DirectoryStack;
  readonly #hashers: ReadonlyMap<Algorithm, Hasher>;

  constructor(hashing: Hashing, hashers: ReadonlyMap<Algorithm, Hasher>) {
    this.#hashing = hashing;
    this.#hashers = hashers;
    this.#directories = new DirectoryStack(
      hashing.root,
      hashing.followsSymlinks ? followSourceDirectory : openSourceDirectory,
    );
  }

  /** What cannot be read is an answer, never an exception. */
  hash({ files, takesLarge }: HashJob): Hashed[] {
    return files.map((file) => {
      try {
        return this.#hashOne(file, takesLarge);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        return isMissing(error) ? { kind: 'missing' } : { kind: 'unreadable', why: error.cause };
      }
    });
  }

  close(): void {
    this.#directories.close();
  }

  #hashOne({ directory, name, algorithm }: NamedFile, takesLarge: boolean): Hashed {
    const { followsSymlinks, isFresh, passOver } = this.#hashing;
    const parent = this.#directories.enter(directory);
    const native = nativeName(name);
    const looked = followsSymlinks ? before.readFollowed(parent, native) : before.read(parent, native);
    check(looked, 'look at');
    const { type, bytes, device, inode } = before;
    if (type !== 'file') return { kind: 'left out' };
    if (passOver.some((own) => own.inode === inode && own.device === device)) return { kind: 'left out' };
    if (bytes > largeFrom && !takesLarge) return { kind: 'large' };
    const fd = openSource(parent, native, followsSymlinks);
    try {
      return hashOpen(fd, this.#hashers.get(algorithm ?? this.#hashing.algorithm)!, isFresh);
    } finally {
      close(fd);
    }
  }
}

/** The hashers that a tree needs, for each algorithm one. */
export async function makeHashers(words: readonly Algorithm[]): Promise<Map<Algorithm, Hasher>> {
  const made = words.map(async (word) => [word, await makeHasher(word)] as const);
  return new Map(await Promise.all(made));
}

/** Refuses a file that somebody writes to meanwhile: its digest would be that of no file. Throws a SystemError. */
function hashOpen(fd: number, hasher: Hasher, isFresh: boolean): Hashed {
  before.readOpen(fd, 'look at');
  if (isFresh) posixFadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  hasher.begin();
  let at = 0;
  takeEntry();
  for (let read = 1; read > 0; at += read) {
    // At the end nothing is expected, and looked whether it is so
    const expected = before.bytes - at;
    const most = expected > 0 ? takeBytes(Math.min(expected, stepBytes)) : stepBytes;
    read = check(pread(fd, buffer, most, at), 'read');
    if (read > 0) hasher.add(read === stepBytes ? buffer : buffer.subarray(0, read));
  }
  const digest = hasher.end();
  if (isFresh && at > largeFrom) posixFadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (!after.readOpen(fd, 'look at').isUnchangedSince(before)) throw new SystemError('CHANGED', 'hash');
  return { kind: 'digest', digest, bytes: at };
}

function isMissing({ cause }: SystemError): boolean {
  return cause === 'ENOENT' || cause === 'ENOTDIR';
}
