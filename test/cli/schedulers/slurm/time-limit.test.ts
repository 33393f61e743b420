import { expect, it } from 'vitest';
import { leadSeconds, secondsOf } from '../../../../cli/schedulers/slurm/time-limit.ts';

it.each([
  ['30', 1800],
  ['1:30', 90],
  ['2:00:05', 7205],
  ['1-6', 108_000],
  ['1-6:30', 109_800],
  ['2-00:00:01', 172_801],
  ['INFINITE', undefined],
  ['1:2:3:4', undefined],
])('reads the time limit %s as sbatch does', (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

it('warns a minute before, a sixtieth of a short limit, and a minute where the limit is the site’s', () => {
  expect([leadSeconds('2:00:00'), leadSeconds('20'), leadSeconds('1'), leadSeconds(undefined)]).toEqual([
    60, 20, 1, 60,
  ]);
});
