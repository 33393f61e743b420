/** What the exit code of `bcopy` says; docs/exit-codes.md explains each to users. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  incomplete: 3,
  differences: 4,
  sourceUnreadable: 5,
  destinationUnwritable: 6,
  willNotFit: 7,
  runNotFound: 10,
  runBusy: 11,
  runDamaged: 12,
  noScheduler: 20,
  refused: 21,
  interrupted: 130,
} as const;

export type ExitKind = keyof typeof exitCodes;

export type ErrorDetails = {
  /** Another program's own words, shown indented below the sentence. */
  readonly theirWords?: string;
  /** What the reader can do next. */
  readonly hint?: string;
};

/**
 * bcopy itself failed: thrown once, caught in main, printed as one sentence
 * `bcopy: <what could not be done>: <why>`. A file that failed is not this; it is an outcome.
 */
export class BcopyError extends Error {
  readonly kind: ExitKind;
  readonly theirWords: string | undefined;
  readonly hint: string | undefined;

  constructor(kind: ExitKind, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'BcopyError';
    this.kind = kind;
    this.theirWords = details.theirWords;
    this.hint = details.hint;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}
