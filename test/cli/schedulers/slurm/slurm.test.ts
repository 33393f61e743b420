import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JobRequest } from '../../../../cli/schedulers/scheduler.ts';
import { SlurmScheduler } from '../../../../cli/schedulers/slurm/slurm.ts';

// Each command is a script of a few lines that writes down how it was called. What a cluster does as a whole
// is tried elsewhere, by the contract.

let bin = '';

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'bcopy bin-'));
});

afterEach(() => rm(bin, { recursive: true }));

async function install(program: string, script: string): Promise<void> {
  const record = 'cd "$(dirname "$0")" && echo "$(basename "$0") $*" >>calls';
  await writeFile(join(bin, program), `#!/bin/bash\n${record}\n${script}\n`);
  await chmod(join(bin, program), 0o755);
}

/** True in the n-th call only. */
const isCall = (n: number) => `[ "$(grep -c "^$(basename "$0") " calls)" = ${n} ]`;
const timedOut =
  'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1';

async function readCalls(): Promise<string[]> {
  const text = await readFile(join(bin, 'calls'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
}

function makeSlurm(): SlurmScheduler {
  return new SlurmScheduler({
    environment: { PATH: `${bin}:/usr/bin:/bin` },
    patience: { attempts: 3, minTimeoutMs: 1, maxTimeoutMs: 5 },
  });
}

const job: JobRequest = {
  name: 'token',
  script: 'job.sh',
  directory: 'run',
  output: 'a.log',
  error: 'a.err',
  after: [],
  resources: {},
};
const ref = { id: '7', directory: 'run' };

it('takes a job that a timed-out sbatch left in the queue for its own', async () => {
  await install('sbatch', timedOut);
  await install('squeue', 'echo 7; echo 7');
  expect(await makeSlurm().submit(job)).toEqual(ref);
  expect(await readCalls()).toEqual(['sbatch', 'squeue']);
});

it('does not submit again before the queue was seen, twice when the job is not in it', async () => {
  await install('sbatch', `${isCall(1)} && { ${timedOut}; }; echo 8`);
  await install('squeue', `${isCall(1)} && { echo "Unable to contact slurm controller" >&2; exit 1; }; true`);
  expect((await makeSlurm().submit(job)).id).toBe('8');
  expect(await readCalls()).toEqual(['sbatch', 'squeue', 'squeue', 'squeue', 'squeue', 'squeue', 'sbatch']);
});

it('finds a job that came into the queue late', async () => {
  await install('sbatch', timedOut);
  await install('squeue', `${isCall(3)} && echo 7; true`);
  expect((await makeSlurm().submit(job)).id).toBe('7');
  expect((await readCalls()).filter((call) => call === 'sbatch')).toHaveLength(1);
});

it('gives up with SLURM’s words when it cannot tell whether the job was taken', async () => {
  await install('sbatch', timedOut);
  await install(
    'squeue',
    'echo "slurm_load_jobs error: Zero Bytes were transmitted or received" >&2; exit 1',
  );
  await expect(makeSlurm().submit(job)).rejects.toMatchObject({
    kind: 'noScheduler',
    message: 'cannot tell whether slurm accepted the job',
    theirWords: expect.stringContaining('Zero Bytes'),
    hint: expect.stringContaining('squeue --name token'),
  });
});

it('says that SLURM is too busy when it never takes the job', async () => {
  await install('sbatch', timedOut);
  await install('squeue', 'true');
  await expect(makeSlurm().submit(job)).rejects.toMatchObject({ kind: 'noScheduler' });
  expect((await readCalls()).filter((call) => call === 'sbatch')).toHaveLength(3);
});

it('passes a refusal on at once, with a hint', async () => {
  await install('sbatch', 'echo "sbatch: error: invalid partition specified: nosuch" >&2; exit 1');
  await expect(makeSlurm().submit(job)).rejects.toMatchObject({
    kind: 'refused',
    theirWords: 'sbatch: error: invalid partition specified: nosuch',
    hint: expect.stringContaining('--partition'),
  });
});

it('asks accounting only about what the queue has forgotten, and believes only what has ended', async () => {
  await install('squeue', 'echo "7_0|7|0|8|RUNNING|None|n1"; echo "6_9|6|9|7|RUNNING|None|n1"');
  await install('sacct', 'echo "$*" >asked; echo "9|COMPLETED|0:0"; echo "10|RUNNING|0:0"');
  const states = await makeSlurm().states(['7', '9', '10'].map((id) => ({ id, directory: 'run' })));
  expect(states.map(({ job, state }) => `${job} ${state}`)).toEqual(['7 RUNNING', '9 COMPLETED']);
  expect(await readFile(join(bin, 'asked'), 'utf8')).toContain('-j 9,10');
});

it('lives without accounting, and with a queue that has forgotten the job', async () => {
  await install('squeue', 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1');
  await install('sacct', 'echo "Slurm accounting storage is disabled"; exit 1');
  expect(await makeSlurm().states([ref])).toEqual([]);
});

it('may not cancel what is another’s, and need not cancel what is over', async () => {
  await install(
    'scancel',
    'echo "scancel: error: Kill job error on job id 7: Invalid job id specified" >&2; exit 1',
  );
  await makeSlurm().cancel([ref]);
  await install(
    'scancel',
    'echo "scancel: error: Kill job error on job id 7: Access/permission denied" >&2; exit 210',
  );
  await expect(makeSlurm().cancel([ref])).rejects.toMatchObject({ kind: 'refused' });
});

it('knows SLURM’s default where the site does not say how large an array may be', async () => {
  await install('scontrol', 'echo "scontrol: error: not for you" >&2; exit 1');
  await install('sinfo', 'echo "standard*"');
  expect(await makeSlurm().limits()).toEqual({
    maxTaskNumber: 1000,
    defaultPartition: 'standard',
    partitions: ['standard'],
  });
});
