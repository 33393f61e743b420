/** Environment variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which cluster is meant, and the right to speak to it: the only SLURM variables that are kept. */
const kept: ReadonlySet<string> = new Set(['SLURM_CONF', 'SLURM_CONF_SERVER', 'SLURM_CLUSTERS', 'SLURM_JWT']);

/** SBATCH_* change what is submitted, SLURM_* come from a job around us, the others change what is printed. */
const dropped = /^(SBATCH|SLURM|SLURMD|SQUEUE|SINFO|SCANCEL|SACCT|SCONTROL|SRUN|SALLOC)_/;

/** The environment in which SLURM's commands do what their arguments say and nothing else. */
export function slurmEnvironment(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (kept.has(entry[0]) || !dropped.test(entry[0])),
  );
  return Object.fromEntries(entries);
}
