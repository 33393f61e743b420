import type { OptionSpec } from './option-spec.ts';

const running = 'Running:';

export const runningTable = [
  {
    name: 'force',
    kind: 'switch',
    group: running,
    help: 'go on though the destination has too little room: as much is copied as fits',
  },
  { name: 'wait', kind: 'switch', group: running, help: "stay until the end; the exit code is the copy's" },
  {
    name: 'verbose',
    letter: 'v',
    kind: 'switch',
    group: running,
    help: 'tell in JOBID.log how the content of files was copied',
  },
  { name: 'parsable', kind: 'switch', group: running, help: 'print only the job number' },
  {
    name: 'scheduler',
    kind: 'value',
    group: running,
    help: 'slurm or local (default: slurm where sbatch answers, else local)',
  },
  {
    name: 'workers',
    kind: 'value',
    group: running,
    help: 'tasks at once (default: 8, on this machine one for each of its CPUs/--cpus-per-task)',
  },
  {
    name: 'shards',
    kind: 'value',
    group: running,
    help: 'pieces to cut the copy into (default: as the plan needs)',
  },
  {
    name: 'threads',
    kind: 'value',
    group: running,
    help: 'files that each task copies at once (default: as it pays, up to 16)',
  },
  {
    name: 'bwlimit',
    kind: 'value',
    group: running,
    help: 'what each task copies in a second at most, as 500K, 20M, 1.5G',
  },
  {
    name: 'ops-limit',
    kind: 'value',
    group: running,
    help: 'entries that each task handles in a second at most',
  },
  {
    name: 'checkpoint',
    kind: 'value',
    group: running,
    help: 'seconds between two records of what is safely on disk (default: 30)',
  },
  {
    name: 'sync',
    kind: 'value',
    group: running,
    help: 'put on disk: none, at each checkpoint, or each file by itself (default: checkpoint)',
  },
  {
    name: 'tries',
    kind: 'value',
    group: running,
    help: 'how often what fails for a passing cause is tried (default: 4)',
  },
  {
    name: 'max-attempts',
    kind: 'value',
    group: running,
    help: 'how often the copy is submitted, by itself too, until it is whole (default: 10)',
  },
  {
    name: 'no-continue',
    kind: 'switch',
    group: running,
    help: 'submit once; the rest is left to --retry',
  },
] as const satisfies readonly OptionSpec[];
