import { copyFileRange, ENXIO, lseek, pread, pwrite, SEEK_DATA, SEEK_HOLE } from './libc.ts';
import { check, SystemError } from './system-error.ts';

/** Measured: it fits the L2 cache, and larger buffers are slower. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
/** Files up to this size go through the buffer in one read and one write; the way hardly matters below. */
const smallFile = buffer.length;
const rangeStep = 64 * 1024 * 1024;

const fromOffset = new BigInt64Array(1);
const toOffset = new BigInt64Array(1);
const [fromBytes, toBytes] = [new Uint8Array(fromOffset.buffer), new Uint8Array(toOffset.buffer)];

/** True once copy_file_range has said that it does not work between these trees; asked once, then remembered. */
let mustReadAndWrite = false;

export type ContentRequest = {
  readonly source: number;
  readonly destination: number;
  readonly from: number;
  readonly to: number;
  /** False when all of it is allocated: then nothing has to be asked about holes. */
  readonly maySkipHoles: boolean;
};

/**
 * Copies bytes `[from, to)` between open files at the same offsets, leaving holes out. Stops early at the end of the
 * source. Returns the bytes copied; throws a SystemError.
 */
export function copyContent(request: ContentRequest): number {
  if (request.maySkipHoles) return copyData(request);
  return copyRange(request.source, request.destination, request.from, request.to);
}

/** Only what is not a hole (lseek(2), SEEK_DATA). */
function copyData({ source, destination, from, to }: ContentRequest): number {
  let copied = 0;
  for (let at = from; at < to; ) {
    const data = lseek(source, at, SEEK_DATA);
    if (data === ENXIO) break;
    if (data < 0) return copied + copyRange(source, destination, at, to);
    if (data >= to) break;
    const hole = Math.min(to, check(lseek(source, data, SEEK_HOLE), 'look for holes'));
    copied += copyRange(source, destination, data, hole);
    at = hole;
  }
  return copied;
}

function copyRange(source: number, destination: number, from: number, to: number): number {
  if (to - from <= smallFile || mustReadAndWrite) return readAndWrite(source, destination, from, to);
  fromOffset[0] = toOffset[0] = BigInt(from);
  for (let at = from; at < to; ) {
    const result = copyFileRange(source, fromBytes, destination, toBytes, Math.min(rangeStep, to - at), 0);
    if (result === 0) return at - from;
    if (result < 0 && isUnsupported(result)) {
      if (at === from) mustReadAndWrite = true;
      return at - from + readAndWrite(source, destination, at, to);
    }
    at += check(result, 'copy');
  }
  return to - from;
}

/** EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, ETXTBSY: what kernels and file systems answer that cannot do it. */
function isUnsupported(result: number): boolean {
  return [-18, -22, -95, -38, -26].includes(result);
}

function readAndWrite(source: number, destination: number, from: number, to: number): number {
  for (let at = from; at < to; ) {
    const read = check(pread(source, buffer, Math.min(buffer.length, to - at), at), 'read');
    if (read === 0) return at - from;
    writeAll(destination, read, at);
    at += read;
  }
  return to - from;
}

function writeAll(destination: number, bytes: number, at: number): void {
  for (let done = 0; done < bytes; ) {
    const rest = done === 0 ? buffer : buffer.subarray(done);
    const written = check(pwrite(destination, rest, bytes - done, at + done), 'write');
    if (written === 0) throw new SystemError('EIO', 'write');
    done += written;
  }
}
