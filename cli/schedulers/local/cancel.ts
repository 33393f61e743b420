import { setTimeout as sleep } from 'node:timers/promises';
import { BcopyError } from '../../../core/model/errors.ts';
import type { JobRef } from '../scheduler.ts';
import { type JobStory, livingTasks, readStory } from './job-state.ts';
import { isAlive, signal, signalSession } from './processes.ts';

/** A little more than the supervisor gives its tasks. */
const patienceMs = 8_000;
const pollMs = 50;

/** Ends these jobs, whether their supervisors live or not; when it returns, no process of theirs runs. */
export async function cancelJobs(jobs: readonly JobRef[]): Promise<void> {
  const stories = await Promise.all(jobs.map(async (job) => ({ job, story: await readStory(job) })));
  for (const { job, story } of stories) {
    if (story.supervision === 'elsewhere') throw elsewhere(job, story);
  }
  // All are told before any is waited for: a job that waits for another must not start when that one ends.
  for (const { job, story } of stories) ask(job, story, 'SIGTERM');
  await waitUntilGone(stories.map(({ job }) => job));
  for (const { job } of stories) ask(job, await readStory(job), 'SIGKILL');
  await waitUntilGone(stories.map(({ job }) => job));
}

/** The supervisor passes SIGTERM on; SIGKILL goes to its tasks first, so that it cannot leave them behind. */
function ask(job: JobRef, story: JobStory, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (name === 'SIGKILL' || story.supervision === 'dead') {
      for (const task of livingTasks(story)) signalSession(task, name);
    }
    if (story.supervision === 'alive' && story.supervisor) signal([story.supervisor.pid], name);
  } catch (error) {
    throw new BcopyError('refused', `cannot cancel job ${job.id}`, { theirWords: (error as Error).message });
  }
}

async function waitUntilGone(jobs: readonly JobRef[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (const job of jobs) {
    while (performance.now() < deadline && !isGone(await readStory(job))) await sleep(pollMs);
  }
}

/** A finished supervisor may need a moment to leave. */
function isGone(story: JobStory): boolean {
  if (story.supervision === 'never') return true;
  const supervisorIsGone = !story.supervisor || !isAlive(story.supervisor);
  return supervisorIsGone && livingTasks(story).length === 0;
}

function elsewhere(job: JobRef, story: JobStory): BcopyError {
  const host = story.supervisor?.host ?? 'another machine';
  return new BcopyError('refused', `cannot cancel job ${job.id}: it runs on ${host}`, {
    hint: `give the command on ${host}`,
  });
}
