import { isUnconfigured } from './complaints.ts';
import { type Environment, slurmEnvironment } from './environment.ts';

/** How a command ended. `absent`: there is no such program here. `cutOff`: it was killed, by us or another. */
export type Answer = {
  readonly ok: boolean;
  readonly absent: boolean;
  readonly cutOff: boolean;
  readonly stdout: string;
  /** What it said on stderr, or what kept it from running. */
  readonly complaint: string;
};

/** Runs one of SLURM's commands, never through a shell; never throws, whatever the command does. */
export async function runCommand(
  argv: readonly string[],
  environment: Environment,
  timeoutMs: number,
): Promise<Answer> {
  // Loaded where there is something to run: jobs on this machine need none of it
  const { execa } = await import('execa');
  const [program = '', ...args] = argv;
  const result = await execa(program, args, {
    env: toCommandEnvironment(program, environment),
    extendEnv: false,
    // The current directory itself: its name may hold bytes that are no UTF-8.
    cwd: '/proc/self/cwd',
    stdin: 'ignore',
    timeout: timeoutMs,
    forceKillAfterDelay: 5_000,
    reject: false,
  });
  const absent = result.code === 'ENOENT' || result.code === 'EACCES';
  return {
    ok: !result.failed,
    absent,
    cutOff: result.timedOut || result.isTerminated,
    stdout: result.stdout,
    complaint: absent ? `${program} is not on PATH` : result.stderr.trim() || (result.shortMessage ?? ''),
  };
}

/** sbatch hands its environment on to the job, which keeps the user's language. */
function toCommandEnvironment(program: string, environment: Environment): Record<string, string> {
  const clean = slurmEnvironment(environment);
  return program === 'sbatch' ? clean : { ...clean, LC_ALL: 'C' };
}

/** Whether SLURM's commands are on PATH, and whether they know of a cluster; one that is down is present. */
export async function probeSlurm(environment: Environment): Promise<'absent' | 'unconfigured' | 'present'> {
  // Reads the configuration, as every command does, and asks no controller.
  const answer = await runCommand(['sbatch', '--version'], environment, 60_000);
  if (answer.absent) return 'absent';
  return !answer.ok && isUnconfigured(answer.complaint) ? 'unconfigured' : 'present';
}
