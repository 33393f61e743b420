import { BcopyError } from '../../core/model/errors.ts';
import { LocalScheduler } from './local/local.ts';
import type { Scheduler } from './scheduler.ts';
import type { Environment } from './slurm/environment.ts';
import type { Patience } from './slurm/patience.ts';

export type SchedulerChoice = {
  /** What the user asked for; undefined leaves the choice to what is here. */
  readonly wanted: 'slurm' | 'local' | undefined;
  readonly environment: Environment;
  /** The built `local/supervisor.js`. */
  readonly supervisorPath: string;
  readonly note?: (message: string) => void;
  readonly patience?: Patience;
};

/**
 * SLURM where there is a cluster, else this machine. A cluster that does not answer is still a cluster:
 * its scheduler then fails, and nothing is started on the login node in its stead.
 */
export async function chooseScheduler(choice: SchedulerChoice): Promise<Scheduler> {
  if (choice.wanted === 'local') return new LocalScheduler(choice);
  const slurm = await findSlurm(choice.environment);
  if (slurm === 'present') {
    const { SlurmScheduler } = await import('./slurm/slurm.ts');
    return new SlurmScheduler(choice);
  }
  if (choice.wanted === 'slurm') {
    throw new BcopyError('noScheduler', `cannot use slurm: ${absences[slurm]}`, {
      hint: 'when slurm is not asked for by name, jobs run on this machine',
    });
  }
  choice.note?.(`${absences[slurm]}; jobs run on this machine`);
  return new LocalScheduler(choice);
}

const absences = {
  absent: 'sbatch is not on PATH',
  unconfigured: 'sbatch is installed, but no cluster is configured',
} as const;

async function findSlurm(environment: Environment): Promise<'absent' | 'unconfigured' | 'present'> {
  const { probeSlurm } = await import('./slurm/run-command.ts');
  const found = await probeSlurm(environment);
  // Somebody named a cluster: that it cannot be found is a failure of SLURM's, not a reason to do without.
  const isNamed = Boolean(environment.SLURM_CONF || environment.SLURM_CONF_SERVER);
  return found === 'unconfigured' && isNamed ? 'present' : found;
}
