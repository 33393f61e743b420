import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readEvents } from '../../../../cli/schedulers/local/events.ts';
import { localPaths } from '../../../../cli/schedulers/local/job-file.ts';
import { readStory } from '../../../../cli/schedulers/local/job-state.ts';
import { LocalScheduler } from '../../../../cli/schedulers/local/local.ts';
import { isAlive } from '../../../../cli/schedulers/local/processes.ts';
import type { JobRef, JobRequest, TaskState } from '../../../../cli/schedulers/scheduler.ts';
import { buildSupervisor } from './build-supervisor.ts';

const before = process.cwd();
let root = '';
let supervisorPath = '';
let directory = '';
let count = 0;
let scripts = 0;
let jobs: JobRef[] = [];
let local: LocalScheduler;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), `bcopy 'local' jobs\n$HOME-`));
  supervisorPath = await buildSupervisor(root);
  local = makeLocal(supervisorPath);
  process.chdir(root);
});

afterAll(async () => {
  process.chdir(before);
  await rm(root, { recursive: true });
});

beforeEach(async () => {
  directory = `run-${++count}`;
  jobs = [];
  await mkdir(join(directory, 'logs'), { recursive: true });
});

afterEach(() => local.cancel(jobs), 30_000);

function makeLocal(path: string): LocalScheduler {
  return new LocalScheduler({
    environment: { ...process.env, BCOPY_LOCAL_STATE: join(root, 'numbers') },
    supervisorPath: path,
  });
}

async function makeRequest(script: string, more: Partial<JobRequest> = {}): Promise<JobRequest> {
  // A script of its own for each job: the local scheduler runs it where it is, and may begin after the next one is written
  const path = `${directory}/job-${++scripts}.sh`;
  await writeFile(path, `${script}\n`);
  const files = { output: 'logs/%a.log', error: 'logs/%a.err' };
  return { name: 'bcopy-1', script: path, directory, ...files, after: [], resources: {}, ...more };
}

async function submit(script: string, more: Partial<JobRequest> = {}): Promise<JobRef> {
  const job = await local.submit(await makeRequest(script, more));
  jobs.push(job);
  return job;
}

async function waitFor(job: JobRef, isReached: (states: TaskState[]) => boolean): Promise<TaskState[]> {
  for (const deadline = Date.now() + 15_000; ; await sleep(50)) {
    const states = await local.states([job]);
    if (isReached(states)) return states;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(states)}`);
  }
}

const haveEnded = (states: TaskState[]) => states.every(({ phase }) => phase === 'ended');
const areRunning = (count: number) => (states: TaskState[]) =>
  states.filter(({ phase }) => phase === 'running').length === count;

async function killSupervisor(job: JobRef): Promise<void> {
  const { supervisor } = await readStory(job);
  if (!supervisor) throw new Error('no supervisor');
  process.kill(supervisor.pid, 'SIGKILL');
  while (isAlive(supervisor)) await sleep(10);
}

const two = { tasks: [0, 1, 2], atOnce: 2 };

it('runs a job that was expected like one that was not', async () => {
  const expecting = makeLocal(supervisorPath);
  await expecting.expect(1);
  for (const name of ['bcopy-1', 'bcopy-2']) {
    const request = await makeRequest(`echo "$SLURM_JOB_NAME"`, { name, output: `logs/${name}.log` });
    jobs.push(await expecting.submit(request));
  }
  for (const job of jobs) await waitFor(job, haveEnded);
  expect(await readFile(`${directory}/logs/bcopy-1.log`, 'utf8')).toBe('bcopy-1\n');
  expect(await readFile(`${directory}/logs/bcopy-2.log`, 'utf8')).toBe('bcopy-2\n');
});

it('submits also when the supervisor that was to wait has died', async () => {
  const hasty = join(root, 'hasty.mjs');
  await writeFile(
    hasty,
    `if (process.argv[2] !== '-') await import(${JSON.stringify(pathToFileURL(supervisorPath).href)});\n`,
  );
  const dying = makeLocal(hasty);
  await dying.expect(1);
  await sleep(1000);
  const job = await dying.submit(await makeRequest('true'));
  jobs.push(job);
  expect(await waitFor(job, haveEnded)).toMatchObject([{ state: 'COMPLETED' }]);
});

it('leaves no supervisor behind when no job is expected any more', async () => {
  const childrenHere = async () => {
    const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
    return children.trim().split(' ').filter(Boolean).length;
  };
  const expecting = makeLocal(supervisorPath);
  const before = await childrenHere();
  await expecting.expect(2);
  expect(await childrenHere()).toBe(before + 2);
  await expecting.expect(0);
  expect(await childrenHere()).toBe(before);
});

it('leaves no supervisor behind that got no job', async () => {
  const { exitCode } = await execa(process.execPath, [supervisorPath, '-'], { input: '', cwd: directory });
  expect(exitCode).toBe(0);
  expect(await readdir(directory)).toEqual(['logs']);
});

it('is the same job when its name is submitted again while it lives', async () => {
  const job = await submit('sleep 30');
  expect(await submit('sleep 30')).toEqual(job);
  expect((await readdir(join(directory, 'local'))).filter((name) => name.endsWith('.json'))).toHaveLength(1);
});

it('runs an executable script by its first line, any other with bash', async () => {
  const request = await makeRequest('#!/bin/sh\nreadlink "/proc/$$/exe" >logs/exe');
  await waitFor(await local.submit(request), haveEnded);
  expect(await readFile(`${directory}/logs/exe`, 'utf8')).toContain('bash');
  await chmod(request.script, 0o755);
  await waitFor(await local.submit(request), haveEnded);
  expect(await readFile(`${directory}/logs/exe`, 'utf8')).not.toContain('bash');
});

it('survives the hang-up of the terminal', async () => {
  const job = await submit('sleep 1; echo done >logs/done');
  process.kill((await readStory(job)).supervisor?.pid ?? 0, 'SIGHUP');
  expect(await waitFor(job, haveEnded)).toMatchObject([{ state: 'COMPLETED' }]);
});

it('ends what a task left behind when the task ends', async () => {
  const job = await submit('sleep 60 & echo $! >logs/pid');
  await waitFor(job, haveEnded);
  const pid = Number(await readFile(`${directory}/logs/pid`, 'utf8'));
  // Who is killed still needs a turn to die
  await expect
    .poll(() => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z'), { timeout: 5000 })
    .toMatch(/\) Z/);
});

it('fails a task whose log cannot be opened, and says why', async () => {
  const job = await submit('true', { output: 'nowhere/%a.log' });
  const states = await waitFor(job, haveEnded);
  expect(states).toMatchObject([{ state: 'FAILED', reason: expect.stringContaining('ENOENT') }]);
});

it('still sees the tasks of a killed supervisor, and that the others will never start', async () => {
  const job = await submit('sleep 30', { array: two });
  await waitFor(job, areRunning(2));
  await killSupervisor(job);
  expect((await local.states([job])).map(({ phase, state }) => `${phase} ${state}`)).toEqual([
    'running RUNNING',
    'running RUNNING',
    'ended CANCELLED',
  ]);
  await local.cancel([job]);
  expect((await local.states([job])).map(({ state }) => state)).toEqual([
    'NODE_FAIL',
    'NODE_FAIL',
    'CANCELLED',
  ]);
});

it('makes a dependent job wait for the tasks of a killed supervisor', async () => {
  const first = await submit('sleep 2; touch logs/first');
  const last = await submit('ls logs/first', { name: 'bcopy-2', after: [first] });
  await waitFor(first, areRunning(1));
  await killSupervisor(first);
  expect(await local.states([last])).toMatchObject([{ phase: 'pending', reason: 'Dependency' }]);
  expect(await waitFor(last, haveEnded)).toMatchObject([{ state: 'COMPLETED' }]);
});

it('kills what does not listen to a cancel', async () => {
  const job = await submit("trap '' TERM; echo ready >logs/ready; while :; do sleep 1; done");
  while (!(await readdir(`${directory}/logs`)).includes('ready')) await sleep(20);
  await local.cancel([job]);
  expect(await local.states([job])).toMatchObject([{ phase: 'ended', state: 'CANCELLED' }]);
  expect((await readEvents(localPaths(job).events)).at(-1)).toEqual({ type: 'finished' });
}, 20_000);

it('knows nothing of what became of a job on another machine, and does not cancel it', async () => {
  const job = await submit('true');
  await waitFor(job, haveEnded);
  const events = localPaths(job).events;
  const text = await readFile(events, 'utf8');
  const start = text.split('\n')[0]?.replace(JSON.stringify(hostname()), '"far"');
  await writeFile(events, `${start}\n{"type":"started","task":null,"pid":1,"startTicks":"1"}\n`);
  expect(await local.states([job])).toMatchObject([{ phase: 'unknown', node: 'far' }]);
  await expect(local.cancel([job])).rejects.toMatchObject({ kind: 'refused' });
  await writeFile(events, text);
});

it('takes a job from before the last boot for ended', async () => {
  const job = await submit('sleep 30');
  await waitFor(job, areRunning(1));
  await local.cancel([job]);
  const events = localPaths(job).events;
  const lines = (await readFile(events, 'utf8')).split('\n').slice(0, 3);
  await writeFile(events, lines.join('\n').replace(/"boot":"[^"]*"/, '"boot":"earlier"'));
  expect(await local.states([job])).toMatchObject([{ phase: 'ended', state: 'NODE_FAIL' }]);
});

it('is an error with its words when the supervisor cannot start', async () => {
  const broken = join(root, 'broken.mjs');
  await writeFile(broken, 'throw new Error("no luck")');
  await expect(makeLocal(broken).submit(await makeRequest('true'))).rejects.toMatchObject({
    kind: 'noScheduler',
    theirWords: expect.stringContaining('no luck'),
  });
});
