import type { WorkerLimits } from '../core/run/attempt-file.ts';

/** A part of a divided file travels in pieces of this size, each with its own record. */
export const pieceBytes = 256 * 1024 * 1024;

/** Under a limit a piece takes some seconds at most, so that little is lost when the task is ended. */
const pieceSeconds = 5;
const smallestPieceBytes = 1024 * 1024;

/** How large a piece is where these limits hold. */
export function pieceBytesFor(limits: WorkerLimits | undefined): number {
  const bytes = (limits?.bytesPerSecond ?? Number.POSITIVE_INFINITY) * pieceSeconds;
  return Math.min(pieceBytes, Math.max(smallestPieceBytes, Math.ceil(bytes)));
}
