import pRetry from 'p-retry';

/** How a passing fault of the storage is waited for: longer each time, with jitter, until the signal comes. */
export type Patience = {
  readonly retries: number;
  readonly minTimeoutMs: number;
  readonly signal?: AbortSignal;
};

export const patience: Patience = { retries: 3, minTimeoutMs: 500 };

/** The patience that an attempt asks for. */
export function patienceOf({ tries }: { readonly tries?: number | undefined }): Patience {
  return tries === undefined ? patience : { ...patience, retries: tries - 1 };
}

/**
 * Does work again whose first result is given, until `isFinal` accepts its result, or patience is at an end; gives the
 * last result in any case.
 */
export async function tryAgain<T>(
  first: T,
  work: () => Promise<T>,
  isFinal: (result: T) => boolean,
  { retries, minTimeoutMs: minTimeout, signal }: Patience = patience,
): Promise<T> {
  const passing = new Error('passing');
  let last = first;
  const go = async (number: number): Promise<T> => {
    if (number > 1) last = await work();
    if (!isFinal(last)) throw passing;
    return last;
  };
  const options = { retries, minTimeout, factor: 3, randomize: true, ...(signal && { signal }) };
  return pRetry(go, options).catch((error: unknown) => {
    if (error === passing || (signal?.aborted && error === signal.reason)) return last;
    throw error;
  });
}
