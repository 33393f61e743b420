/**
 * What the scan saw of a file beside its size, where something is at the destination already. A copy that has all of it is
 * known as one without another look at the source. On the tape it is `[SECONDS,NANOSECONDS,MODE,UID,GID]`.
 */
export type Stamp = {
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};
