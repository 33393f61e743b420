import { expect } from 'vitest';
import { type LookFound, type LookRequest, lookAtTrees } from './look-at-trees.ts';

/** One call after the other, with threads, and many calls at once. */
export const lookWays: readonly NonNullable<LookRequest['ways']>[] = [
  { threads: 0 },
  { threads: 2, namesAtMost: 16 },
  { threads: 0, isSlow: true },
  { threads: 2, isSlow: true },
];

/** All ways find the same; what they find, and what the first one remembers. */
export async function lookEveryWay(request: LookRequest): Promise<LookFound> {
  const [first, ...others] = lookWays;
  const found = await lookAtTrees({ ...request, ways: { ...request.ways, ...first } });
  for (const way of others) {
    const other = await lookAtTrees({ ...request, ways: { ...request.ways, ...way } });
    expect({ ...other, plain: found.plain }, JSON.stringify(way)).toEqual(found);
  }
  return found;
}
