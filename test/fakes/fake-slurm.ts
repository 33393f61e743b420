import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/**
 * What can be made to go wrong. Tasks are named as `3`, `1,4-6`, with words behind them; several lines are
 * allowed, and `after=MS` says how long after its start a task is struck (100 ms otherwise).
 *
 * - `refuse` WORDS: sbatch says them and exits 1; `refuse-finish`: only for a job with a dependency
 * - `timeout` N: the next N sbatch time out; `timeout-but-accepted` N: and the job exists all the same
 * - `busy` N: the next N squeue, scontrol and sinfo cannot reach the controller
 * - `accounting-off`; `max-array-size` NUMBER; `nodes` TASKS AT ONCE (4); `partitions` LINES (`copy`, `standard*`)
 * - `forget`: squeue and scontrol know nothing that has ended
 * - `kill-task` TASKS [STATE]: killed by SIGKILL, then FAILED, or NODE_FAIL, TIMEOUT, OUT_OF_MEMORY, PREEMPTED
 * - `requeue-task` TASKS [keep-old]: the first execution is killed, or lives on, and the task runs again
 * - `strange-state` TASKS WORD: squeue, scontrol and sacct show this word
 * - `never-start` REASON: jobs submitted from now on wait for ever with this reason
 */
export type Knob =
  | 'refuse'
  | 'refuse-finish'
  | 'timeout'
  | 'timeout-but-accepted'
  | 'busy'
  | 'accounting-off'
  | 'max-array-size'
  | 'nodes'
  | 'partitions'
  | 'forget'
  | 'kill-task'
  | 'requeue-task'
  | 'strange-state'
  | 'never-start';

/** A cluster made of programs on PATH; its jobs really run, on this machine. */
export type FakeSlurm = {
  /** To be laid over the environment of whatever calls SLURM's commands. */
  readonly env: { readonly PATH: string; readonly FAKE_SLURM: string };
  knob(name: Knob, content?: string | number): void;
  clear(name: Knob): void;
  /** Returns when no process of any job is alive. */
  stop(): Promise<void>;
  /** The arguments of every sbatch so far, also of those that failed. */
  sbatchCalls(): string[][];
  /** The arguments of every scancel so far. */
  scancelCalls(): string[][];
};

/** Where the fakes are; who runs them must be let in there. */
export const fakePrograms = fileURLToPath(new URL('slurm', import.meta.url));

/** A fake cluster whose state is in `dir`, which is made if it is missing. */
export function fakeSlurm(dir: string, programs = fakePrograms): FakeSlurm {
  const knobs = join(dir, 'knobs');
  mkdirSync(knobs, { recursive: true });
  const env = { PATH: `${programs}${delimiter}${process.env.PATH ?? ''}`, FAKE_SLURM: dir };
  const calls = (command: string): string[][] => {
    const path = join(dir, `${command}-calls`);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    return lines.map((line) =>
      (JSON.parse(line) as string[]).map((word) => Buffer.from(word, 'latin1').toString()),
    );
  };
  return {
    env,
    knob: (name, content = '') => writeFileSync(join(knobs, name), `${content}\n`),
    clear: (name) => rmSync(join(knobs, name), { force: true }),
    stop: async () => {
      await execa(process.execPath, [join(programs, 'fake-slurm.mjs'), 'stop'], { env });
    },
    sbatchCalls: () => calls('sbatch'),
    scancelCalls: () => calls('scancel'),
  };
}
