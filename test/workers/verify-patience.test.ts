import { expect, test } from 'vitest';
import type { CompareJob, EntriesAnswer, RangeAnswer } from '../../core/storage/posix/compare-jobs.ts';
import type { Comparers } from '../../workers/comparison.ts';
import type { EntriesParts } from '../../workers/verify-entries.ts';
import { compareContentPatiently, comparePatiently, isPassing } from '../../workers/verify-patience.ts';
import { placed } from '../helpers/storage-trees.ts';

const files = placed(['a', 'b', 'c'].map((name) => ({ kind: 'file', name, bytes: 1 })));
const patience = { retries: 3, minTimeoutMs: 1, growth: 1 };

/** Comparers that cannot read some names, each for so many times. */
function faulty(faults: Map<string, { times: number; cause: string }>): {
  comparers: Comparers;
  asked: string[][];
} {
  const asked: string[][] = [];
  const why = (name: string) => {
    const fault = faults.get(name);
    return fault !== undefined && fault.times-- > 0 ? `read: ${fault.cause}` : undefined;
  };
  const answer = (job: CompareJob): EntriesAnswer | RangeAnswer => {
    if (job.kind === 'range') return { at: -1, unreadable: why(job.name) };
    const names = job.kind === 'entries' ? job.groups.flatMap((group) => group.names) : [];
    asked.push(names);
    const findings = names.flatMap((name, index) => {
      const detail = why(name);
      return detail === undefined ? [] : [{ index, kind: 'unreadable' as const, detail }];
    });
    return { findings, linked: [], contents: [], bytes: names.length, hashed: 0, otherwise: 0 };
  };
  const comparers = { threads: 1, run: async (job: CompareJob) => answer(job), close: async () => {} };
  return { comparers: comparers as Comparers, asked };
}

const parts = (comparers: Comparers) => ({ comparers, keep: ['mode'] }) as unknown as EntriesParts;

test('what cannot be read for a passing cause is read again, and nothing else', async () => {
  const { comparers, asked } = faulty(
    new Map([
      ['b', { times: 2, cause: 'ESTALE' }],
      ['c', { times: 9, cause: 'EACCES' }],
    ]),
  );
  const { differs, bytes } = await comparePatiently(files, parts(comparers), patience);
  expect(differs.map(({ path, detail }) => `${path} ${detail}`)).toEqual(['c read: EACCES']);
  expect(asked).toEqual([['a', 'b', 'c'], ['b'], ['b']]);
  expect(bytes).toBe(3);
});

test('what cannot be read at all is told when patience is at an end', async () => {
  const { comparers, asked } = faulty(new Map([['a', { times: 99, cause: 'EIO' }]]));
  const { differs } = await comparePatiently(files, parts(comparers), patience);
  expect(differs.filter(isPassing).map(({ path }) => path)).toEqual(['a']);
  expect(asked).toHaveLength(4);
});

test('a range that cannot be read for a passing cause is read again', async () => {
  const { comparers } = faulty(new Map([['a', { times: 1, cause: 'EIO' }]]));
  const { differs } = await compareContentPatiently(files[0]!, { from: 0, to: 1 }, { comparers }, patience);
  expect(differs).toEqual([]);
});
