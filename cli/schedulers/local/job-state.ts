import type { JobRef, TaskState } from '../scheduler.ts';
import { type JobEvent, readEvents } from './events.ts';
import { type LocalJob, localPaths, readJob, tasksOf } from './job-file.ts';
import { isAlive, type Machine, type ProcessIdentity, sessionOf, thisMachine } from './processes.ts';

type Started = Extract<JobEvent, { type: 'started' }>;
type Ended = Extract<JobEvent, { type: 'ended' }>;

/** A job as its events tell it, and whether its supervisor is here and alive. */
export type JobStory = {
  readonly supervisor: (ProcessIdentity & Machine) | undefined;
  /** `elsewhere`: it runs on another machine, and what became of it cannot be seen from here. */
  readonly supervision: 'alive' | 'dead' | 'elsewhere' | 'finished' | 'never';
  readonly started: ReadonlyMap<number | null, Started>;
  readonly ended: ReadonlyMap<number | null, Ended>;
  readonly isReleased: boolean;
  /** Tasks that ended before somebody cancelled the job. */
  readonly endedFreely: ReadonlySet<number | null>;
  readonly isCancelled: boolean;
};

export async function readStory(job: JobRef): Promise<JobStory> {
  const path = localPaths(job).events;
  const story = toStory(await readEvents(path));
  // Between reading and looking for it, the supervisor may have written the end and gone.
  return story.supervision === 'dead' ? toStory(await readEvents(path)) : story;
}

/** Tasks of which nobody wrote the end, and which run nevertheless: their supervisor was killed. */
export function livingTasks(story: JobStory): ProcessIdentity[] {
  if (story.supervisor?.boot !== thisMachine().boot) return [];
  const open = [...story.started.values()].filter((event) => !story.ended.has(event.task));
  return open.filter((event) => isAlive(event) || sessionOf(event).length > 0);
}

/** True when no process of the job runs any more, nor will; also for a job that nobody knows. */
export async function hasEnded(job: JobRef): Promise<boolean> {
  const story = await readStory(job);
  if (story.supervision === 'dead') return livingTasks(story).length === 0;
  return story.supervision === 'finished' || story.supervision === 'never';
}

/** The state of every task, in SLURM's words; none for a job that was never here. */
export async function readStates(ref: JobRef): Promise<TaskState[]> {
  const story = await readStory(ref);
  const job = await readJob(localPaths(ref).job).catch(() => undefined);
  if (!job || story.supervision === 'never') return [];
  const living = new Set(livingTasks(story).map((task) => task.pid));
  return tasksOf(job).map((task) => ({
    job: ref.id,
    ...(task === undefined ? {} : { task }),
    ...toState(job, story, task ?? null, living),
    stuck: false,
    node: story.started.has(task ?? null) ? (story.supervisor?.host ?? '') : '',
  }));
}

type Condition = Pick<TaskState, 'phase' | 'state' | 'reason'>;

function toState(
  job: LocalJob,
  story: JobStory,
  task: number | null,
  living: ReadonlySet<number>,
): Condition {
  const ended = story.ended.get(task);
  if (ended) return { phase: 'ended', ...toEnd(ended, story) };
  const started = story.started.get(task);
  if (story.supervision === 'elsewhere') {
    return { phase: 'unknown', state: 'UNKNOWN', reason: `runs on ${story.supervisor?.host}` };
  }
  if (started && (story.supervision === 'alive' || living.has(started.pid))) {
    return { phase: 'running', state: 'RUNNING', reason: '' };
  }
  if (started) return { phase: 'ended', state: 'NODE_FAIL', reason: 'the supervisor is gone' };
  if (story.supervision !== 'alive' || story.isCancelled)
    return { phase: 'ended', state: 'CANCELLED', reason: '' };
  const isWaiting = job.after.length > 0 && !story.isReleased;
  return { phase: 'pending', state: 'PENDING', reason: isWaiting ? 'Dependency' : 'JobArrayTaskLimit' };
}

function toEnd(ended: Ended, story: JobStory): { state: string; reason: string } {
  if (ended.code === 0) return { state: 'COMPLETED', reason: '' };
  if (story.isCancelled && !story.endedFreely.has(ended.task)) return { state: 'CANCELLED', reason: '' };
  return { state: 'FAILED', reason: ended.problem ?? 'NonZeroExitCode' };
}

function toStory(events: readonly JobEvent[]): JobStory {
  const cancelledAt = events.findIndex((event) => event.type === 'cancelled');
  const ends = events.filter((event) => event.type === 'ended');
  const free = cancelledAt < 0 ? [] : events.slice(0, cancelledAt).filter((event) => event.type === 'ended');
  const supervisor = events.find((event) => event.type === 'supervisor');
  const isFinished = events.some((event) => event.type === 'finished');
  return {
    supervisor,
    supervision: isFinished ? 'finished' : toSupervision(supervisor),
    started: new Map(events.filter((event) => event.type === 'started').map((event) => [event.task, event])),
    ended: new Map(ends.map((event) => [event.task, event])),
    isReleased: events.some((event) => event.type === 'released'),
    endedFreely: new Set(free.map((event) => event.task)),
    isCancelled: cancelledAt >= 0,
  };
}

function toSupervision(supervisor: (ProcessIdentity & Machine) | undefined): JobStory['supervision'] {
  if (!supervisor) return 'never';
  const here = thisMachine();
  if (supervisor.host !== here.host) return 'elsewhere';
  return supervisor.boot === here.boot && isAlive(supervisor) ? 'alive' : 'dead';
}
