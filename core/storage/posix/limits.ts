import { newPaceMemory, PaceBucket, type PaceClock, type PaceMemory } from '../../model/pace-bucket.ts';
import { mustStop, sleepMs } from './stop-flag.ts';

/** The limits of a worker and the memory that its threads share of them: plain data, for another thread too. */
export type SharedLimits = {
  readonly bytesPerSecond?: number | undefined;
  readonly entriesPerSecond?: number | undefined;
  readonly bytes: PaceMemory;
  readonly entries: PaceMemory;
  /** Microseconds that all threads together have waited for their limits. */
  readonly waited: SharedArrayBuffer;
};

export type Limits = Pick<SharedLimits, 'bytesPerSecond' | 'entriesPerSecond'>;

/** Undefined where there is no limit. */
export function shareLimits({ bytesPerSecond, entriesPerSecond }: Limits): SharedLimits | undefined {
  if (bytesPerSecond === undefined && entriesPerSecond === undefined) return undefined;
  return {
    bytesPerSecond,
    entriesPerSecond,
    bytes: newPaceMemory(),
    entries: newPaceMemory(),
    waited: new SharedArrayBuffer(8),
  };
}

const clock: PaceClock = {
  nowNs: process.hrtime.bigint,
  sleepMs: (ms) => {
    sleepMs(ms);
    if (waited !== undefined) Atomics.add(waited, 0, BigInt(Math.round(ms * 1000)));
  },
};

/** Each step of a copy is at most what may pass in this time, so that a limit is kept smoothly. */
const stepsPerSecond = 8;
const smallestStep = 64 * 1024;

let waited: BigInt64Array | undefined;
let bytes: PaceBucket | undefined;
let entries: PaceBucket | undefined;
let mostAtOnce = Number.POSITIVE_INFINITY;

/** How long all threads together have waited for their limits, in ms. */
export function waitedMs(limits: SharedLimits | undefined): number {
  return limits === undefined ? 0 : Number(Atomics.load(new BigInt64Array(limits.waited), 0)) / 1000;
}

/** Puts limits on all that this thread copies from now on; undefined takes them away. */
export function setLimits(limits: SharedLimits | undefined): void {
  const { bytesPerSecond, entriesPerSecond } = limits ?? {};
  waited = limits && new BigInt64Array(limits.waited);
  bytes = limits && bytesPerSecond ? new PaceBucket(bytesPerSecond, limits.bytes, clock) : undefined;
  entries = limits && entriesPerSecond ? new PaceBucket(entriesPerSecond, limits.entries, clock) : undefined;
  mostAtOnce = bytesPerSecond
    ? Math.max(smallestStep, Math.ceil(bytesPerSecond / stepsPerSecond))
    : Number.POSITIVE_INFINITY;
}

/**
 * To be called before each step that moves bytes: waits until some may pass, and tells how many of those wanted; none
 * when all is to stop. What moves nothing, as sharing blocks, needs none.
 */
export function takeBytes(wanted: number): number {
  if (mustStop()) return 0;
  if (bytes === undefined) return wanted;
  const taken = Math.min(wanted, mostAtOnce);
  bytes.take(taken);
  return mustStop() ? 0 : taken;
}

/** To be called before each entry that is copied, looked at, linked or completed: waits until it may, or is to stop. */
export function takeEntry(): void {
  entries?.take(1);
}
