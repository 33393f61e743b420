import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeSlurm, fakeSlurm } from './fake-slurm.ts';

const format = '%i|%F|%K|%A|%T|%r|%N';
let dir: string;
let slurm: FakeSlurm;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fake-slurm-'));
  mkdirSync(join(dir, 'work'));
  slurm = fakeSlurm(join(dir, 'cluster'));
});
afterEach(async () => {
  await slurm.stop();
  expect(processesOf(slurm.env.FAKE_SLURM)).toEqual([]);
  rmSync(dir, { recursive: true });
});

/** Command lines and environments of all processes, searched for the cluster's directory. */
function processesOf(directory: string): string[] {
  const mentions = (pid: string) => {
    try {
      return ['cmdline', 'environ'].some((name) =>
        readFileSync(`/proc/${pid}/${name}`, 'latin1').includes(directory),
      );
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && mentions(pid));
}

async function run(command: string, ...args: string[]) {
  const answer = await execa(command, args, { cwd: join(dir, 'work'), env: slurm.env, reject: false });
  return { exitCode: answer.exitCode, stdout: answer.stdout, stderr: answer.stderr };
}

/** Submits a script with these lines and answers the job's number. */
async function submit(lines: string, ...options: string[]): Promise<string> {
  writeFileSync(join(dir, 'work', 'job.sh'), `#!/bin/bash\n${lines}\n`);
  const { stdout, stderr } = await run('sbatch', '--parsable', ...options, 'job.sh');
  expect(stderr).toBe('');
  return stdout;
}

/** The words of `squeue -o FORMAT` for each task, once `isDone` holds for the lines together. */
async function watch(id: string, isDone: (lines: string) => boolean, shown = '%i|%T') {
  for (let tries = 0; tries < 200; tries++) {
    const { stdout } = await run('squeue', '-h', '-r', '-t', 'all', '-j', id, '-o', shown);
    if (isDone(stdout)) return stdout.split('\n');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`job ${id} did not come to the expected state`);
}
const nothingRuns = (lines: string) => !/PENDING|RUNNING|COMPLETING/.test(lines);
const read = (name: string) => readFileSync(join(dir, 'work', name), 'latin1');

describe('a job', () => {
  it('runs its array tasks with SLURM’s variables, directory and output names', async () => {
    const script = `echo "$SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $SLURM_ARRAY_TASK_COUNT \${PWD##*/} $1"; echo wrong >&2`;
    mkdirSync(join(dir, 'work', 'a "b\'$c'));
    writeFileSync(join(dir, 'work', 'job.sh'), `#!/bin/bash\n${script}\n`);
    const options = ['--array=0-1,8%2', '--chdir', 'a "b\'$c', '--output=%A_%a.log', '--error=%A_%a.err'];
    const { stdout: id } = await run('sbatch', '--parsable', ...options, 'job.sh', 'x y');
    expect(await watch(id, nothingRuns)).toEqual([
      `${id}_0|COMPLETED`,
      `${id}_1|COMPLETED`,
      `${id}_8|COMPLETED`,
    ]);
    expect(read(`a "b'$c/${id}_8.log`)).toBe(`${id} 8 3 a "b'$c x y\n`);
    expect(read(`a "b'$c/${id}_1.err`)).toBe('wrong\n');
  });

  it('tells the exit code and the signal of each task', async () => {
    const id = await submit(
      'case $SLURM_ARRAY_TASK_ID in 0) exit 3;; 1) kill -9 $$;; 2) exit 200;; esac',
      '-a0-3',
    );
    await watch(id, nothingRuns);
    const { stdout } = await run('scontrol', '-o', 'show', 'job', id);
    const codes = stdout
      .split('\n')
      .map((line) => /JobState=\w+|ExitCode=\S+/g[Symbol.match](line)?.join(' '));
    expect(codes).toEqual([
      'JobState=FAILED ExitCode=3:0',
      'JobState=FAILED ExitCode=0:9',
      'JobState=FAILED ExitCode=200:0',
      'JobState=COMPLETED ExitCode=0:0',
    ]);
    const sacct = await run('sacct', '-n', '-X', '-P', '-j', id, '-o', 'jobid,state,exitcode');
    expect(sacct.stdout.split('\n')).toEqual([
      `${id}_0|FAILED|3:0`,
      `${id}_1|FAILED|0:9`,
      `${id}_2|FAILED|72:0`,
      `${id}_3|COMPLETED|0:0`,
    ]);
  });

  it('runs no more tasks at once than the throttle allows, nor than there are nodes', async () => {
    const script = 'echo + >>all; sleep 0.2; echo - >>all';
    slurm.knob('nodes', 3);
    const id = await submit(script, '--array=0-5%2');
    const other = await submit(script, '--array=0-5');
    await watch(id, nothingRuns);
    await watch(other, nothingRuns);
    let running = 0;
    const most = read('all')
      .trim()
      .split('\n')
      .map((sign) => (running += sign === '+' ? 1 : -1));
    expect(Math.max(...most)).toBe(3);
    expect(most).toHaveLength(24);
  });

  it('starts after the jobs it depends on, also when they failed', async () => {
    const first = await submit('sleep 0.4; echo first >>order; exit 1');
    const last = await submit('echo last >>order', `--dependency=afterany:${first}`);
    await watch(last, (lines) => lines === `${last}|PENDING|Dependency`, '%i|%T|%r');
    await watch(last, nothingRuns);
    expect(read('order')).toBe('first\nlast\n');
  });

  it('appends to its output with --open-mode=append and starts it anew otherwise', async () => {
    appendFileSync(join(dir, 'work', 'log'), 'old\n');
    await watch(await submit('echo new', '-olog', '--open-mode=append'), nothingRuns);
    expect(read('log')).toBe('old\nnew\n');
    await watch(await submit('echo new', '-olog'), nothingRuns);
    expect(read('log')).toBe('new\n');
  });

  it('passes bytes that are not UTF-8 through', async () => {
    const script =
      "mkdir -p $'\\xff'; cd $'\\xff'; export V=$'\\xfe'; sbatch --wrap 'printf %s \"$PWD$V\" >out'";
    await execa('bash', ['-c', script], { cwd: join(dir, 'work'), env: slurm.env });
    await watch('101', nothingRuns);
    const files = await execa('bash', ['-c', 'cat work/*/out'], { cwd: dir, encoding: 'buffer' });
    expect(Buffer.from(files.stdout).toString('latin1')).toBe(`${dir}/work/\xff\xfe`);
  });

  it('ends with everything it started when it is cancelled', async () => {
    const id = await submit('sleep 60 & wait', '--array=0-9%2');
    await watch(id, (lines) => lines.match(/RUNNING/g)?.length === 2);
    expect(await run('scancel', `${id}_5`)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    await watch(id, (lines) => !lines.includes(`${id}_5`));
    await run('scancel', id);
    const lines = await watch(id, nothingRuns);
    expect(new Set(lines.map((line) => line.split('|')[1]))).toEqual(new Set(['CANCELLED']));
    expect(lines).toHaveLength(9);
    const { stdout } = await run('squeue', '-h', '-t', 'all', '-j', id, '-o', format);
    expect(stdout.split('\n')[0]).toBe(
      `${id}_[2-4,6-9%2]|${id}|2-4,6-9%2|${id}|CANCELLED|JobArrayTaskLimit|`,
    );
  });

  it('gets no variables of the submitter with --export=NONE', async () => {
    await watch(
      await submit(`echo "\${FAKE_SLURM-none} $SLURM_EXPORT_ENV" >out`, '--export=NONE'),
      nothingRuns,
    );
    expect(read('out')).toBe('none NONE\n');
  });

  it('takes options from #SBATCH lines, then SBATCH_ variables, then the command line', async () => {
    const script =
      '#SBATCH --job-name=script -p copy -o script.log\necho "$SLURM_JOB_NAME $SLURM_JOB_PARTITION"';
    writeFileSync(join(dir, 'work', 'job.sh'), `#!/bin/bash\n${script}\n`);
    const env = { ...slurm.env, SBATCH_JOB_NAME: 'variable', SBATCH_PARTITION: 'standard' };
    const { stdout } = await execa('sbatch', ['--parsable', '-Jline', 'job.sh'], {
      cwd: join(dir, 'work'),
      env,
    });
    await watch(stdout, nothingRuns);
    expect(read('script.log')).toBe('line standard\n');
  });
});

describe('sbatch', () => {
  const refused = (exitCode: number, ...lines: string[]) => ({
    exitCode,
    stdout: '',
    stderr: lines.join('\n'),
  });
  const failed = (why: string) => refused(1, `sbatch: error: Batch job submission failed: ${why}`);

  it('refuses what SLURM refuses, in its words', async () => {
    writeFileSync(join(dir, 'work', 'job.sh'), '#!/bin/bash\n');
    writeFileSync(join(dir, 'work', 'plain'), 'echo\n');
    expect(await run('sbatch', '--bogus', 'job.sh')).toEqual(
      refused(255, "sbatch: unrecognized option '--bogus'", 'Try "sbatch --help" for more information'),
    );
    expect(await run('sbatch', '--time=xx', 'job.sh')).toEqual(
      refused(255, 'sbatch: error: Invalid --time specification'),
    );
    expect(await run('sbatch', '--array=0-1001', 'job.sh')).toEqual(
      failed('Invalid job array specification'),
    );
    expect(await run('sbatch', '-pno', 'job.sh')).toEqual(
      refused(
        1,
        'sbatch: error: invalid partition specified: no',
        failed('Invalid partition name specified').stderr,
      ),
    );
    expect((await run('sbatch', 'plain')).stderr).toMatch(
      /^sbatch: error: This does not look like a batch script\./,
    );
    expect(await run('sbatch', 'none')).toEqual(refused(1, 'sbatch: error: Unable to open file none'));
    expect(slurm.sbatchCalls().at(-1)).toEqual(['none']);
  });

  it('refuses with the words of the knob, or only what depends on another job', async () => {
    const id = await submit('true');
    slurm.knob('refuse-finish', 'Batch job submission failed: Invalid qos specification');
    await submit('true');
    expect(await run('sbatch', `-dafterany:${id}`, 'job.sh')).toEqual(failed('Invalid qos specification'));
    slurm.knob('refuse', 'AssocMaxSubmitJobLimit');
    expect(await run('sbatch', 'job.sh')).toEqual(refused(1, 'sbatch: error: AssocMaxSubmitJobLimit'));
  });

  it('times out as often as the knob says, with and without making the job', async () => {
    const timedOut = failed('Socket timed out on send/recv operation');
    slurm.knob('timeout', 1);
    writeFileSync(join(dir, 'work', 'job.sh'), '#!/bin/bash\n');
    expect(await run('sbatch', '-Jtoken', 'job.sh')).toEqual(timedOut);
    expect((await run('squeue', '-h', '-r', '-t', 'all', '--name', 'token', '-o', '%F')).stdout).toBe('');
    slurm.knob('timeout-but-accepted', 1);
    expect(await run('sbatch', '-Jtoken', 'job.sh')).toEqual(timedOut);
    const { stdout } = await run('squeue', '-h', '-r', '-t', 'all', '--name', 'token', '-o', '%F');
    expect(await watch(stdout, nothingRuns)).toEqual([`${stdout}|COMPLETED`]);
    expect((await run('sbatch', '-Jtoken', 'job.sh')).exitCode).toBe(0);
  });

  it('obeys the site’s array size and partitions', async () => {
    slurm.knob('max-array-size', 11);
    slurm.knob('partitions', 'long\nshort*');
    await submit('true', '--array=10');
    expect(await run('sbatch', '--array=11', 'job.sh')).toEqual(failed('Invalid job array specification'));
    expect((await run('sbatch', '-pcopy', 'job.sh')).exitCode).toBe(1);
    expect((await run('sinfo', '-h', '-o', '%P')).stdout).toBe('long\nshort*');
    expect((await run('scontrol', 'show', 'config')).stdout).toMatch(/^MaxArraySize {12}= 11$/m);
  });
});

describe('asking', () => {
  const unreachable = 'Unable to contact slurm controller (connect failure)';
  const invalid = { exitCode: 1, stdout: '', stderr: 'slurm_load_jobs error: Invalid job id specified' };

  it('fails while the controller is busy', async () => {
    slurm.knob('busy', 3);
    expect((await run('squeue', '-h')).stderr).toBe(`slurm_load_jobs error: ${unreachable}`);
    expect((await run('scontrol', 'show', 'job', '1')).stderr).toBe(`slurm_load_jobs error: ${unreachable}`);
    expect((await run('sinfo')).stderr).toBe(`slurm_load_partitions: ${unreachable}`);
    expect(await run('squeue', '-h')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('says that one unknown job is invalid and is silent about two', async () => {
    expect(await run('squeue', '-h', '-j', '999')).toEqual(invalid);
    expect(await run('squeue', '-h', '-j', '999,998')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await run('scontrol', '-o', 'show', 'job', '999')).toEqual(invalid);
  });

  it('forgets what has ended when the knob says so', async () => {
    const id = await submit('true');
    await watch(id, nothingRuns);
    slurm.knob('forget');
    expect(await run('squeue', '-h', '-t', 'all', '-j', id)).toEqual(invalid);
    expect(await run('scontrol', '-o', 'show', 'job', id)).toEqual(invalid);
    expect((await run('sacct', '-nXP', '-j', id, '-o', 'state')).stdout).toBe('COMPLETED');
  });

  it('has no accounting when it is off', async () => {
    slurm.knob('accounting-off');
    const off = { exitCode: 1, stdout: '', stderr: 'Slurm accounting storage is disabled' };
    expect(await run('sacct', '-nXP', '-j', '1', '-o', 'state')).toEqual(off);
  });

  it('shows a state that nobody has heard of', async () => {
    slurm.knob('strange-state', '1 BLOOMING');
    expect(await watch(await submit('true', '--array=0-1'), nothingRuns, '%K|%T')).toEqual([
      '0|COMPLETED',
      '1|BLOOMING',
    ]);
  });

  it('shows the reason of a job that never starts, until it is cancelled', async () => {
    slurm.knob('never-start', 'PartitionTimeLimit');
    const id = await submit('true');
    expect(await watch(id, () => true, format)).toEqual([
      `${id}|${id}|N/A|${id}|PENDING|PartitionTimeLimit|`,
    ]);
    await run('scancel', id);
    expect(await watch(id, nothingRuns, '%T')).toEqual(['CANCELLED']);
  });
});

describe('a task', () => {
  it('is killed and has the state that the knob says', async () => {
    slurm.knob('kill-task', '0\n2 NODE_FAIL');
    const id = await submit('[ $SLURM_ARRAY_TASK_ID = 1 ] || sleep 60', '--array=0-2');
    expect(await watch(id, nothingRuns, '%K|%T|%r')).toEqual([
      '0|FAILED|JobLaunchFailure',
      '1|COMPLETED|None',
      '2|NODE_FAIL|NodeDown',
    ]);
  });

  it('is killed and run again with a restart count', async () => {
    slurm.knob('requeue-task', '1');
    const script = `echo "$SLURM_JOB_ID \${SLURM_RESTART_COUNT-first}"; [ "$SLURM_RESTART_COUNT" ] || sleep 60`;
    const id = await submit(script, '--array=1', '-oout', '--open-mode=append');
    expect(await watch(id, nothingRuns)).toEqual([`${id}_1|COMPLETED`]);
    expect(read('out')).toBe(`${id} first\n${id} 1\n`);
    expect((await run('scontrol', '-o', 'show', 'job', `${id}_1`)).stdout).toMatch(/ Restarts=1 /);
  });

  it('runs twice at the same time when the old one is kept', async () => {
    slurm.knob('requeue-task', '1 keep-old');
    const script =
      'echo + >>all; [ "$SLURM_RESTART_COUNT" ] && touch second; until [ -e second ]; do sleep 0.05; done; sleep 0.3; echo - >>all';
    await watch(await submit(script, '--array=1'), nothingRuns);
    while (read('all').length < 8) await new Promise((resolve) => setTimeout(resolve, 30));
    expect(read('all')).toBe('+\n+\n-\n-\n');
  });

  it('ends at stop, together with what waits', async () => {
    const id = await submit('trap "" TERM; sleep 60 & wait; sleep 60', '--array=0-5');
    await submit('true', `-dafterany:${id}`);
    await watch(id, (lines) => lines.includes('RUNNING'));
    await slurm.stop();
    expect(processesOf(slurm.env.FAKE_SLURM)).toEqual([]);
  });
});
