import { addTally, emptyTally, type Tally } from './outcome.ts';

/** What was planned and what became of it, in entries and in bytes as planned. */
export type Account = {
  readonly planned: Readonly<Tally>;
  readonly copied: Readonly<Tally>;
  readonly skipped: Readonly<Tally>;
  readonly linked: Readonly<Tally>;
  readonly failed: Readonly<Tally>;
  readonly vanished: Readonly<Tally>;
  /** What nobody has recorded yet: planned less all the rest. */
  readonly left: Readonly<Tally>;
};

/** The tallies in the order in which people read them, each with its name. */
export const accountRows: readonly (readonly [name: string, key: keyof Account])[] = [
  ['planned', 'planned'],
  ['copied', 'copied'],
  ['skipped', 'skipped'],
  ['linked', 'linked'],
  ['failed', 'failed'],
  ['vanished', 'vanished'],
  ['not done', 'left'],
];

export type Outcomes = Omit<Account, 'planned' | 'left'>;

/** Closes the books: what is planned and has no outcome is left. */
export function accountOf(planned: Readonly<Tally>, outcomes: Outcomes): Account {
  const sum = emptyTally();
  for (const tally of Object.values(outcomes)) addTally(sum, tally);
  const left = { entries: planned.entries - sum.entries, bytes: planned.bytes - sum.bytes };
  return { planned, ...outcomes, left };
}

/** True when the sums close and nothing failed: every planned entry is at the destination, or is gone from the source. */
export function isComplete(account: Account): boolean {
  return account.left.entries === 0 && account.left.bytes === 0 && account.failed.entries === 0;
}
