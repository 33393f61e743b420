/** The promise itself: who awaits it hears of its failure, which meanwhile counts as heard. */
export function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
