import { expect, it } from 'vitest';
import { memoryMBOf } from '../../../cli/steps/task-memory.ts';
import { attemptOf } from '../../helpers/task-fixture.ts';

const withMem = (mem?: string) => ({
  ...attemptOf(1),
  cpus: 4,
  submission: { resources: { mem }, node: '/n', worker: '/w' },
});

it.each([
  ['2G', {}, 2048],
  ['500', {}, 500],
  ['512K', {}, 1],
  [undefined, { SLURM_MEM_PER_NODE: '3000' }, 3000],
  [undefined, { SLURM_MEM_PER_CPU: '500' }, 2000],
  [undefined, {}, undefined],
  ['0', {}, undefined],
])('knows how much memory a task had: --mem %s, %o', (mem, environment, megabytes) => {
  expect(memoryMBOf(withMem(mem), environment)).toBe(megabytes);
});
