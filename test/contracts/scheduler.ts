import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobRef, JobRequest, Scheduler, TaskPhase, TaskState } from '../../cli/schedulers/scheduler.ts';

export type SchedulerUnderTest = {
  readonly scheduler: Scheduler;
  /** An empty directory that the jobs can see; the tests make it their current directory. */
  readonly root: string;
  /** How long a job of a few short tasks may take. */
  readonly patienceMs: number;
  close(): Promise<void>;
};

/** What every scheduler promises, tried on one: calls `makeScheduler` once for all tests. */
export function schedulerContract(name: string, makeScheduler: () => Promise<SchedulerUnderTest>): void {
  describe(`scheduler contract: ${name}`, { timeout: 180_000 }, () => {
    const before = process.cwd();
    let tried: SchedulerUnderTest;
    let jobs: JobRef[] = [];
    let count = 0;
    let directory = '';

    beforeAll(async () => {
      tried = await makeScheduler();
      process.chdir(tried.root);
    }, 60_000);

    afterAll(async () => {
      process.chdir(before);
      await tried?.close();
    }, 60_000);

    beforeEach(async () => {
      directory = `work/run-${++count}`;
      jobs = [];
      await mkdir(join(directory, 'logs'), { recursive: true });
    });

    afterEach(() => tried.scheduler.cancel(jobs), 60_000);

    async function submit(script: string, more: Partial<JobRequest> = {}): Promise<JobRef> {
      const request = await makeRequest(directory, script, more);
      const job = await tried.scheduler.submit(request);
      jobs.push(job);
      return job;
    }

    async function waitFor(job: JobRef, isReached: (states: TaskState[]) => boolean): Promise<TaskState[]> {
      const deadline = Date.now() + tried.patienceMs;
      for (;;) {
        const states = await tried.scheduler.states([job]);
        if (isReached(states)) return states;
        if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(states)}`);
        await sleep(100);
      }
    }

    const waitUntilEnded = (job: JobRef) =>
      waitFor(job, (states) => states.length > 0 && areAll(states, 'ended'));
    const readLog = (file: string) => readFile(join(directory, 'logs', file), 'utf8');

    it('gives a job a decimal number and the directory it was submitted with', async () => {
      const job = await submit('true');
      expect(job.id).toMatch(/^[1-9]\d*$/);
      expect(job.directory).toBe(directory);
    });

    it('runs each task once, in the directory, with its own number and logs', async () => {
      const job = await submit(
        'echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_JOB_ID"; test -d logs && echo here >&2',
        {
          array: { tasks: [0, 2, 3, 7], atOnce: 2 },
        },
      );
      const states = await waitUntilEnded(job);
      expect(states.map(({ task }) => task).sort()).toEqual([0, 2, 3, 7]);
      expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['COMPLETED']));
      for (const task of [0, 2, 3, 7]) {
        expect(await readLog(`${job.id}_${task}.log`)).toBe(`${task} of ${job.id}\n`);
        expect(await readLog(`${job.id}_${task}.err`)).toBe('here\n');
      }
      expect(await readdir(join(directory, 'logs'))).toHaveLength(8);
    });

    it('never runs more tasks at once than it was told', async () => {
      const job = await submit(
        'touch "on-$SLURM_ARRAY_TASK_ID"; ls on-* | wc -l; sleep 0.5; rm "on-$SLURM_ARRAY_TASK_ID"',
        {
          array: { tasks: [0, 1, 2, 3, 4], atOnce: 2 },
        },
      );
      await waitUntilEnded(job);
      const counts = await Promise.all([0, 1, 2, 3, 4].map((task) => readLog(`${job.id}_${task}.log`)));
      expect(Math.max(...counts.map(Number))).toBeLessThanOrEqual(2);
    });

    it('appends to logs that are there', async () => {
      await writeFile(join(directory, 'logs', 'same.log'), 'before\n');
      await waitUntilEnded(await submit('echo after', { output: 'logs/same.log', error: 'logs/same.log' }));
      expect(await readLog('same.log')).toBe('before\nafter\n');
    });

    it('gives a job without an array no task number, but its id and name', async () => {
      const job = await submit('echo "<$SLURM_ARRAY_TASK_ID> $SLURM_JOB_ID $SLURM_JOB_NAME"', {
        output: 'logs/%j.log',
      });
      const [state, ...others] = await waitUntilEnded(job);
      expect(others).toEqual([]);
      expect(state).not.toHaveProperty('task');
      expect(await readLog(`${job.id}.log`)).toMatch(new RegExp(`^<> ${job.id} bcopy-`));
    });

    it('starts a job after the others have ended, also when one of their tasks failed', async () => {
      const first = await submit('sleep 1; touch "done-$SLURM_ARRAY_TASK_ID"; exit "$SLURM_ARRAY_TASK_ID"', {
        array: { tasks: [0, 1, 3], atOnce: 3 },
      });
      const last = await submit('ls done-* | wc -l', { after: [first], output: 'logs/last.log' });
      const [waiting] = await tried.scheduler.states([last]);
      expect(waiting).toMatchObject({ phase: 'pending', stuck: false });
      await waitUntilEnded(last);
      expect((await readLog('last.log')).trim()).toBe('3');
      const states = await tried.scheduler.states([first]);
      expect(new Map(states.map(({ task, state }) => [task, state]))).toEqual(
        new Map([
          [0, 'COMPLETED'],
          [1, 'FAILED'],
          [3, 'FAILED'],
        ]),
      );
    });

    it('tells waiting, running and ended tasks apart, and where they run', async () => {
      const job = await submit('test "$SLURM_ARRAY_TASK_ID" = 0 || sleep 60', {
        array: { tasks: [0, 1, 2], atOnce: 1 },
      });
      const states = await waitFor(job, (all) =>
        all.some(({ task, phase }) => task === 1 && phase === 'running'),
      );
      const byTask = new Map(states.map((state) => [state.task, state]));
      expect(byTask.get(0)).toMatchObject({ phase: 'ended', state: 'COMPLETED' });
      expect(byTask.get(1)).toMatchObject({
        phase: 'running',
        state: 'RUNNING',
        node: expect.stringMatching(/./),
      });
      expect(byTask.get(2)).toMatchObject({ phase: 'pending', state: 'PENDING', stuck: false });
    });

    it('cancels what runs and what waits, and passes over what has ended', async () => {
      const job = await submit('sleep 60 & wait', { array: { tasks: [0, 1, 2], atOnce: 2 } });
      const last = await submit('touch started', { after: [job] });
      await waitFor(job, (all) => all.some(({ phase }) => phase === 'running'));
      await tried.scheduler.cancel([job, last]);
      const states = await waitFor(job, (all) => areAll(all, 'ended'));
      expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['CANCELLED']));
      await tried.scheduler.cancel([job, last]);
      await waitFor(last, (all) => areAll(all, 'ended'));
      expect(await readdir(directory)).not.toContain('started');
    });

    it('answers for several jobs at once', async () => {
      const [one, two] = [await submit('true'), await submit('exit 3')];
      await waitUntilEnded(one);
      await waitUntilEnded(two);
      const states = await tried.scheduler.states([one, two]);
      expect(states.map(({ job, state }) => `${job} ${state}`).sort()).toEqual(
        [`${one.id} COMPLETED`, `${two.id} FAILED`].sort(),
      );
    });

    it('says nothing of jobs that it does not know, and cancels them without complaint', async () => {
      const unknown = { id: '987654', directory };
      expect(await tried.scheduler.states([unknown])).toEqual([]);
      expect(await tried.scheduler.states([unknown, { id: '987655', directory }])).toEqual([]);
      expect(await tried.scheduler.states([])).toEqual([]);
      await tried.scheduler.cancel([unknown]);
      await tried.scheduler.cancel([]);
    });

    it('describes the command it would run, with the script or the job in it', async () => {
      const request = await makeRequest(directory, 'true');
      expect(tried.scheduler.describe(request).join(' ')).toContain(directory);
      expect(await readdir(directory)).not.toContain('local');
    });

    it('says what can be asked of it', async () => {
      const limits = await tried.scheduler.limits();
      expect(limits.maxTaskNumber).toBeGreaterThan(0);
      expect(limits.partitions).toContain(limits.defaultPartition);
    });
  });
}

let jobCount = 0;

async function makeRequest(
  directory: string,
  script: string,
  more: Partial<JobRequest> = {},
): Promise<JobRequest> {
  const name = `bcopy-${process.pid}-${Date.now()}-${++jobCount}`;
  const path = `${directory}/${name}.sh`;
  await writeFile(path, `#!/bin/bash\n${script}\n`);
  return {
    name,
    script: path,
    directory,
    output: 'logs/%A_%a.log',
    error: 'logs/%A_%a.err',
    after: [],
    resources: {},
    ...more,
  };
}

function areAll(states: readonly TaskState[], phase: TaskPhase): boolean {
  return states.every((state) => state.phase === phase);
}
