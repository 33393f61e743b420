import type { RangeSet } from '../core/model/ranges.ts';
import type { WorkerLimits } from '../core/run/attempt-wishes.ts';
import { leastLargeBytes } from '../core/storage/posix/temporary-names.ts';

/** A part of a divided file, and a large file, travel in pieces of this size, each with its own record. */
export const pieceBytes = 256 * 1024 * 1024;

/** Under a limit a piece takes some seconds at most, so that little is lost when the task is ended. */
const pieceSeconds = 5;
const smallestPieceBytes = leastLargeBytes / 2;

/** How large a piece is where these limits hold. */
export function pieceBytesFor(limits: WorkerLimits | undefined): number {
  const bytes = (limits?.bytesPerSecond ?? Number.POSITIVE_INFINITY) * pieceSeconds;
  return Math.min(pieceBytes, Math.max(smallestPieceBytes, Math.ceil(bytes)));
}

/** Files of at least two pieces are copied in pieces: by several threads at once, and what is recorded stays. */
export function largeFrom(limits: WorkerLimits | undefined): number {
  return 2 * pieceBytesFor(limits);
}

/**
 * The pieces of a stretch of a file that `had` does not have: each ends at a multiple of `step`, and the last, where no
 * end of the stretch is given, at the end that the file has by then.
 */
export function piecesOf(
  { from, to, bytes }: { readonly from: number; readonly to?: number | undefined; readonly bytes: number },
  had: RangeSet,
  step: number,
): { readonly from: number; readonly to?: number }[] {
  const pieces: { from: number; to?: number }[] = [];
  for (const gap of had.missingIn(from, to ?? bytes)) {
    for (let at = gap.from; at < gap.to; ) {
      const end = Math.min(gap.to, Math.floor(at / step + 1) * step);
      pieces.push(to === undefined && end === bytes ? { from: at } : { from: at, to: end });
      at = end;
    }
  }
  return pieces;
}
