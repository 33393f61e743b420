/** Raised once, when all who have it are to stop: plain data, for another thread too. */
export type StopFlag = SharedArrayBuffer;

export const newStopFlag = (): StopFlag => new SharedArrayBuffer(4);

/** Ends the waits of those who heed it, and lets them begin nothing more. */
export function raiseStop(flag: StopFlag): void {
  const word = new Int32Array(flag);
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
}

/** What was given up half way because all is to stop; nothing of it is left. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

let heeded = new Int32Array(newStopFlag());

/** All that this thread does heeds the flag from now on; undefined: nobody can ask it to stop. */
export function heedStop(flag: StopFlag | undefined): void {
  heeded = new Int32Array(flag ?? newStopFlag());
}

/** To be asked between entries, and between the steps of a long one. */
export function mustStop(): boolean {
  return Atomics.load(heeded, 0) !== 0;
}

/** Waits so long, less when all is to stop. */
export function sleepMs(ms: number): void {
  Atomics.wait(heeded, 0, 0, ms);
}
