import pRetry from 'p-retry';

/** How a passing fault of the storage is waited for: longer each time, with jitter, until the signal comes. */
export type Patience = {
  readonly retries: number;
  readonly minTimeoutMs: number;
  /** Each wait is so many times the one before. */
  readonly growth: number;
  readonly signal?: AbortSignal;
};

/** Four tries over some seconds. */
export const usualTries = 4;

export function patienceFor(tries = usualTries): Patience {
  return { retries: Math.max(0, tries - 1), minTimeoutMs: 500, growth: 3 };
}

/** Where nothing gets through any more: one wait, and the other tries at once. */
export function hasty(patience: Patience): Patience {
  return { ...patience, growth: 0.001 };
}

/**
 * Does work again whose first result is given, until `isFinal` accepts its result, or patience is at an end; gives the
 * last result in any case.
 */
export async function tryAgain<T>(
  first: T,
  work: () => Promise<T>,
  isFinal: (result: T) => boolean,
  { retries, minTimeoutMs: minTimeout, growth: factor, signal }: Patience,
): Promise<T> {
  const passing = new Error('passing');
  let last = first;
  const go = async (number: number): Promise<T> => {
    if (number > 1) last = await work();
    if (!isFinal(last)) throw passing;
    return last;
  };
  const options = { retries, minTimeout, factor, randomize: true, ...(signal && { signal }) };
  return pRetry(go, options).catch((error: unknown) => {
    if (error === passing || (signal?.aborted && error === signal.reason)) return last;
    throw error;
  });
}
