import type { Attempt } from '../../core/run/attempt-file.ts';
import type { Environment } from '../schedulers/slurm/environment.ts';

const inMB: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 ** 2 };

/**
 * How much memory each task of an attempt had, as it was asked for, else as SLURM says in the environment of a job with
 * the same options. Undefined where neither tells, or it is all of a node.
 */
export function memoryMBOf({ submission, cpus = 1 }: Attempt, environment: Environment): number | undefined {
  const [, number, unit = 'M'] = /^(\d+)([KMGT])?B?$/i.exec(submission?.resources.mem ?? '') ?? [];
  const asked = Math.ceil(Number(number) * (inMB[unit.toUpperCase()] ?? 1));
  if (asked > 0) return asked;
  const perNode = Number(environment.SLURM_MEM_PER_NODE);
  if (perNode > 0) return perNode;
  const perCpu = Number(environment.SLURM_MEM_PER_CPU);
  return perCpu > 0 ? perCpu * cpus : undefined;
}
