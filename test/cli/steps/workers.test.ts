import { expect, test } from 'vitest';
import type { Copy } from '../../../cli/steps/submit-run.ts';
import { workersOf } from '../../../cli/steps/submit-run.ts';

const copyWith = (workers: number | undefined, cpusPerTask: number, cpus: number | undefined) =>
  ({ options: { workers, cpusPerTask }, limits: { cpus } }) as unknown as Copy;

test.each([
  ['as the user wants', 5, 2, 64, 5],
  ['eight where each task has its own CPUs', undefined, 2, undefined, 8],
  ['as many as this machine has CPUs for', undefined, 2, 9, 4],
  ['one where it has fewer than one task wants', undefined, 4, 2, 1],
])('workers: %s', (_, workers, cpusPerTask, cpus, expected) => {
  expect(workersOf(copyWith(workers, cpusPerTask, cpus))).toBe(expected);
});
