import type { Way } from '../../model/ways.ts';
import { lseek, SEEK_SET } from './libc.ts';
import { copyFileRange, ficlone, ficloneRange, pread, pwrite, sendfile } from './libc-content.ts';
import { check, SystemError } from './system-error.ts';

/** Measured: it fits the L2 cache, and larger buffers are slower. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
export const bufferBytes = buffer.length;

/** Takes the bytes that were read, before they are written. */
export type Reader = (bytes: Buffer) => void;
/**
 * Copies some of `bytes` bytes at `at`. Returns how many, 0 at the end of the source, or the negative errno. Only what reads
 * and writes has bytes to show.
 */
export type Step = (source: number, destination: number, at: number, bytes: number, show?: Reader) => number;
export type StepWay = Exclude<Way, 'reflink'>;

/** What copies content, way by way; a test puts its own in the place of some of it. */
export type ContentSteps = Readonly<Record<StepWay, Step>> & {
  /** All of a file at once; 0, or the negative errno. */
  readonly clone: (source: number, destination: number) => number;
  /** Exactly these bytes; 0, or the negative errno. */
  readonly cloneRange: Step;
};

export const contentSteps: ContentSteps = {
  clone: ficlone,
  cloneRange: ficloneRange,
  copy_file_range: copyFileRange,
  sendfile: sendAt,
  'read/write': readAndWrite,
};

function sendAt(source: number, destination: number, at: number, bytes: number): number {
  check(lseek(destination, at, SEEK_SET), 'write');
  return sendfile(source, destination, at, bytes);
}

/** One buffer full; throws a SystemError that says whether reading or writing failed. */
function readAndWrite(source: number, destination: number, at: number, bytes: number, show?: Reader): number {
  const read = check(pread(source, buffer, Math.min(buffer.length, bytes), at), 'read');
  if (read > 0) show?.(read === buffer.length ? buffer : buffer.subarray(0, read));
  for (let done = 0; done < read; ) {
    const rest = done === 0 ? buffer : buffer.subarray(done);
    const written = check(pwrite(destination, rest, read - done, at + done), 'write');
    if (written === 0) throw new SystemError('EIO', 'write');
    done += written;
  }
  return read;
}
