import type { OptionSpec } from './option-spec.ts';
import { runningTable } from './running.ts';
import { siteTable, slurmTable } from './slurm.ts';

const names = ['scheduler', 'workers', 'shards', 'tries', 'max-attempts', 'no-continue'];

/** What each task may do in a second. */
export const limitTable: readonly OptionSpec[] = runningTable.filter(({ name }) =>
  ['bwlimit', 'ops-limit'].includes(name),
);

/** Where and how jobs run, for commands that copy nothing. */
export const clusterTable: readonly OptionSpec[] = [
  ...runningTable.filter(({ name }) => names.includes(name)),
  ...slurmTable,
  ...siteTable,
];
