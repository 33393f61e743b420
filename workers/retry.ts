import pRetry from 'p-retry';

/** How long a passing fault of the storage is waited for: four tries over some seconds, with jitter. */
export type Patience = { readonly retries: number; readonly minTimeoutMs: number };

export const patience: Patience = { retries: 3, minTimeoutMs: 500 };

/** Repeats `work` until `isFinal` accepts its result, or patience is at an end; gives the last result in any case. */
export async function retryUntil<T>(
  work: () => Promise<T>,
  isFinal: (result: T) => boolean,
  how: Patience = patience,
): Promise<T> {
  let last: { result: T } | undefined;
  const attempt = async (): Promise<T> => {
    last = { result: await work() };
    if (!isFinal(last.result)) throw new Error('transient');
    return last.result;
  };
  const options = { retries: how.retries, minTimeout: how.minTimeoutMs, factor: 3, randomize: true };
  return pRetry(attempt, options).catch((error: Error) => {
    if (last === undefined || error.message !== 'transient') throw error;
    return last.result;
  });
}
