import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, missingForCluster, startCluster } from './cluster.ts';

const missing = missingForCluster();
if (missing.length > 0) console.log(`skipped: ${missing.join(', ')} is not installed`);

describe.skipIf(missing.length > 0)('the test cluster', { timeout: 240_000 }, () => {
  let cluster: Cluster;
  let work: string;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'cluster-work-'));
    chmodSync(work, 0o777);
    cluster = await startCluster(3);
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  const run = (...command: [string, ...string[]]) => cluster.run(command, { cwd: work });
  const submit = async (script: string, ...options: string[]) => {
    const answer = await run('sbatch', '--parsable', '-pcopy', '--mem=100', ...options, '--wrap', script);
    expect(answer.stderr).toBe('');
    return answer.stdout;
  };
  const states = async (id: string) =>
    (await run('squeue', '-h', '-r', '-tall', '-j', id, '-o%T')).stdout.split('\n');
  /** Asks until the answer is as wished, for up to two minutes. */
  const until = async <T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> => {
    for (const end = Date.now() + 120_000; ; ) {
      const answer = await ask();
      if (isRight(answer)) return answer;
      if (Date.now() > end) throw new Error(`not in two minutes: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const nodeState = async (node: string) => (await run('sinfo', '-hNpcopy', `-n${node}`, '-o%T')).stdout;

  it('runs the tasks of an array as the ordinary user, six of two CPUs at once', async () => {
    const script = 'id -un; echo "$SLURM_ARRAY_TASK_ID $SLURMD_NODENAME"; date +%s%N; sleep 1.5; date +%s%N';
    const id = await submit(script, '--array=0-5', '--cpus-per-task=2', '--output=%A_%a.out');
    await until(
      () => states(id),
      (found) => found.every((state) => state === 'COMPLETED'),
    );
    const outputs = [0, 1, 2, 3, 4, 5].map((task) =>
      readFileSync(join(work, `${id}_${task}.out`), 'utf8').split('\n'),
    );
    expect(outputs.map(([user]) => user)).toEqual(Array(6).fill(cluster.user));
    expect(new Set(outputs.map((lines) => lines[1]?.split(' ')[1]))).toEqual(new Set(['n1', 'n2', 'n3']));
    const lastStart = Math.max(...outputs.map((lines) => Number(lines[2])));
    expect(lastStart).toBeLessThan(Math.min(...outputs.map((lines) => Number(lines[3]))));
  });

  it('creates a job while its controller is paused, although sbatch times out', async () => {
    await cluster.pauseController();
    const answer = await run('sbatch', '--job-name=paused', '--mem=100', '--wrap', 'true');
    await cluster.resumeController();
    expect(answer.exitCode).toBe(1);
    expect(answer.stderr).toBe(
      'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation',
    );
    const ask = () => run('squeue', '-h', '-tall', '--name=paused', '-o%T');
    await until(ask, ({ stdout }) => stdout === 'COMPLETED');
  });

  it('does not answer without its controller, and remembers its jobs when that is back', async () => {
    const id = await submit('true');
    await cluster.stopController();
    const down = { exitCode: 1, stdout: '' };
    const why = 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)';
    expect(await run('squeue', '-h')).toEqual({ ...down, stderr: why });
    await cluster.startController();
    await until(
      () => states(id),
      ([state]) => state === 'COMPLETED',
    );
  });

  it('runs a task again elsewhere when its slurmd was killed, while the old process lives on', async () => {
    const script = `echo "$$ \${SLURM_RESTART_COUNT-first}" >>log; [ "$SLURM_RESTART_COUNT" ] || exec sleep 50`;
    const id = await submit(script, '--nodelist=n1');
    await until(
      () => states(id),
      ([state]) => state === 'RUNNING',
    );
    const log = () => readFileSync(join(work, 'log'), 'utf8');
    await until(
      async () => log(),
      (text) => text.endsWith('first\n'),
    );
    await cluster.killSlurmd('n1');
    // A busy machine may take minutes to notice; what a node that is down means for its job is the same
    const mark = ['update', 'nodename=n1', 'state=down', 'reason=test'];
    await execa('scontrol', mark, { env: cluster.env });
    await until(
      () => nodeState('n1'),
      (state) => state.startsWith('down'),
    );
    await until(
      () => states(id),
      ([state]) => state === 'PENDING',
    );
    expect(readFileSync(`/proc/${log().split(' ')[0]}/comm`, 'utf8')).toBe('sleep\n');
    await cluster.startNode('n1');
    await until(
      () => states(id),
      ([state]) => state === 'COMPLETED',
    );
    expect(log()).toMatch(/^\d+ first\n\d+ 1\n$/);
  });

  it('kills the jobs of a node that loses power, and takes the node back', async () => {
    await submit('echo $$ >pid; exec sleep 50', '--nodelist=n2', '--no-requeue');
    const pid = await until(
      async () => read('pid'),
      (text) => text.endsWith('\n'),
    );
    await cluster.killNode('n2');
    expect(running(pid.trim())).toBe(false);
    await cluster.startNode('n2');
    await until(
      () => nodeState('n2'),
      (state) => state === 'idle',
    );
  });

  it('leaves no process behind', async () => {
    await submit('trap "" TERM; sleep 60; sleep 60');
    await cluster.stop();
    await cluster.stop();
    const mentions = readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && commandLine(pid).includes(cluster.directory),
    );
    expect(mentions).toEqual([]);
  });

  const read = (name: string) => {
    try {
      return readFileSync(join(work, name), 'utf8');
    } catch {
      return '';
    }
  };
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** Alive, and not a process that has ended and waits to be reaped. */
function running(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}
