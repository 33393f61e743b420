/** What the tasks of an attempt do. */
export const phaseWords = ['copy', 'verify', 'hash', 'delete', 'remove'] as const;
export type AttemptPhase = (typeof phaseWords)[number];

/** What says of an attempt which phases its run goes through. */
export type PhaseWishes = {
  /** Left out: copy. */
  readonly phase?: AttemptPhase | undefined;
  readonly verify?: object | undefined;
  readonly delete?: object | undefined;
};

/** The phase that begins when the attempt's own has come to its end with nothing left to do; undefined: none. */
export function phaseAfter({
  phase = 'copy',
  verify,
  delete: removal,
}: PhaseWishes): AttemptPhase | undefined {
  if (phase === 'copy' && verify !== undefined) return 'verify';
  return phase !== 'delete' && removal !== undefined ? 'delete' : undefined;
}

/** True when a program has to decide what follows an attempt, even where none is to follow after failures. */
export function hasPhaseToFollow(attempt: PhaseWishes): boolean {
  return phaseAfter(attempt) !== undefined;
}

/** True of an attempt of a run that does more than to copy: what follows it, if anything, is always told. */
export function hasPhases({ verify, delete: removal }: PhaseWishes): boolean {
  return verify !== undefined || removal !== undefined;
}
