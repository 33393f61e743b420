import type { OptionSpec } from './option-spec.ts';

const slurm = 'SLURM, as for sbatch:';

export const slurmTable = [
  { name: 'cpus-per-task', kind: 'value', group: slurm, help: 'CPUs of each task (default: 2)' },
  {
    name: 'account',
    kind: 'value',
    group: slurm,
    help: 'the account to charge',
    sbatchVariable: 'SBATCH_ACCOUNT',
  },
  {
    name: 'partition',
    kind: 'value',
    group: slurm,
    help: "the queue (default: copy where there is one, else the cluster's)",
    sbatchVariable: 'SBATCH_PARTITION',
  },
  { name: 'qos', kind: 'value', group: slurm, help: 'quality of service', sbatchVariable: 'SBATCH_QOS' },
  {
    name: 'time',
    kind: 'value',
    group: slurm,
    help: 'time limit of each task',
    sbatchVariable: 'SBATCH_TIMELIMIT',
  },
  { name: 'mem', kind: 'value', group: slurm, help: 'memory of each task' },
  {
    name: 'constraint',
    kind: 'value',
    group: slurm,
    help: 'features that the nodes must have',
    sbatchVariable: 'SBATCH_CONSTRAINT',
  },
  {
    name: 'reservation',
    kind: 'value',
    group: slurm,
    help: 'the reservation to run in',
    sbatchVariable: 'SBATCH_RESERVATION',
  },
  { name: 'mail-user', kind: 'value', group: slurm, help: 'who gets mail' },
  { name: 'mail-type', kind: 'value', group: slurm, help: 'about what: END, FAIL, ...' },
  {
    name: 'sbatch-arg',
    kind: 'list',
    group: slurm,
    help: 'any other, as --sbatch-arg=--exclude=n1; may be repeated',
  },
] as const satisfies readonly OptionSpec[];

const site = 'Site:';

export const siteTable = [
  {
    name: 'templates',
    kind: 'value',
    group: site,
    help: "directory with the site's task.sbatch.hbs, finish.sbatch.hbs",
  },
  {
    name: 'node',
    kind: 'value',
    group: site,
    help: 'the node program on the compute nodes (default: this one)',
  },
  {
    name: 'worker',
    kind: 'value',
    group: site,
    help: "the worker bundle on the compute nodes (default: this package's)",
  },
] as const satisfies readonly OptionSpec[];
