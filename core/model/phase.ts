/** What the tasks of an attempt do. */
export const phaseWords = ['copy', 'verify', 'hash', 'delete', 'remove'] as const;
export type AttemptPhase = (typeof phaseWords)[number];

/** What says of an attempt which phases its run goes through. */
export type PhaseWishes = {
  /** Left out: copy. */
  readonly phase?: AttemptPhase | undefined;
  readonly verify?: object | undefined;
  readonly manifest?: object | undefined;
  readonly delete?: object | undefined;
};

/** The phase that begins when the attempt's own has come to its end with nothing left to do; undefined: none. */
export function phaseAfter({
  phase = 'copy',
  verify,
  manifest,
  delete: removal,
}: PhaseWishes): AttemptPhase | undefined {
  const order = [
    { phase: 'copy', isWanted: true },
    { phase: 'verify', isWanted: verify !== undefined },
    { phase: 'hash', isWanted: manifest !== undefined },
    { phase: 'delete', isWanted: removal !== undefined },
  ] as const;
  const own = order.findIndex((one) => one.phase === phase);
  return own < 0 ? undefined : order.slice(own + 1).find(({ isWanted }) => isWanted)?.phase;
}

/** True when a program has to decide what follows an attempt, even where none is to follow after failures. */
export function hasPhaseToFollow(attempt: PhaseWishes): boolean {
  return phaseAfter(attempt) !== undefined;
}

/** True of an attempt of a run that does more than to copy: what follows it, if anything, is always told. */
export function hasPhases({ phase, verify, manifest, delete: removal }: PhaseWishes): boolean {
  const isWanted = [verify, manifest, removal].some((wish) => wish !== undefined);
  return isWanted || phase === 'remove';
}
