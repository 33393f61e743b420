import { readdir } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { readJournal } from '../../core/run/journal-reader.ts';
import { readNext } from '../../core/run/next-file.ts';
import { parseJournalName, type RunPaths } from '../../core/run/run-paths.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { untilChanged } from '../schedulers/until-changed.ts';
import { type FoundRun, readRun } from './find-run.ts';
import { type RunStatus, readRunStatus } from './run-status.ts';

export type WaitOptions = {
  readonly scheduler: Scheduler;
  readonly onStatus: (status: RunStatus) => void;
  readonly note: (message: string) => void;
  readonly signal: AbortSignal;
  /** What goes on when the user does not wait any longer; left out: the copy. */
  readonly what?: string;
};

/** The end is looked for in the run directory when something changes there, or so often; the scheduler is asked seldom. */
const lookMs = { slurm: 1000, local: 100 };
const statusMs = { slurm: 15_000, local: 1000 };

/**
 * Waits until finish of an attempt, and of those that follow it by themselves, has ended, or can never start; returns
 * what the run has come to.
 */
export async function waitForRun(id: string, first: number, options: WaitOptions): Promise<RunStatus> {
  const { scheduler } = options;
  let pause = 20;
  let nextStatus = Date.now() + statusMs[scheduler.kind];
  const told = new Set<string>();
  let attempt = first;
  let run = await readRun(id);
  for (let lost = 0; ; ) {
    if (await hasFinishEnded(run.paths, attempt)) {
      const next = await readNext(run.paths, attempt);
      if (next?.kind === 'again') {
        [attempt, run] = [next.attempt, await readRun(id)];
        options.note(`attempt ${next.attempt} ${sayPhase(run)}, as job ${next.job}`);
      }
      const status = await readRunStatus(run, undefined);
      if (status.isFinished) return status;
    }
    await pauseFor(run.paths.journals, pause, options);
    pause = Math.min(lookMs[scheduler.kind], pause * 1.3);
    if (Date.now() < nextStatus) continue;
    nextStatus = Date.now() + statusMs[scheduler.kind];
    const status = await readRunStatus(run, scheduler);
    options.onStatus(status);
    tellStuck(status, told, options.note);
    // One look can fall between the end of the jobs and the last line of the journal
    lost = status.phase === 'incomplete' ? lost + 1 : 0;
    if (lost === 2) return status;
  }
}

function sayPhase({ attempts }: FoundRun): string {
  const [last, newest] = attempts.slice(-2).map(({ phase = 'copy' }) => phase);
  if (newest === 'hash' && last !== 'hash') return 'hashes what is at the destination, for the manifest';
  if (newest === 'delete') return 'removes what the source does not have';
  if (newest === 'verify') return 'compares what is copied with the source';
  return last === 'verify' ? 'copies again what differs' : 'goes on with what is left';
}

async function pauseFor(
  journals: string,
  ms: number,
  { signal, what = 'the copy' }: WaitOptions,
): Promise<void> {
  await untilChanged(journals, ms, signal).catch(() => {
    throw new BcopyError('interrupted', `interrupted: ${what} goes on without you`);
  });
}

async function hasFinishEnded(paths: RunPaths, attempt: number): Promise<boolean> {
  for (const file of await readdir(paths.journals)) {
    const name = parseJournalName(file);
    if (name?.shard !== 'finish' || name.attempt !== attempt) continue;
    for (const line of readJournal(`${paths.journals}/${file}`)) if (line.type === 'end') return true;
  }
  return false;
}

function tellStuck(status: RunStatus, told: Set<string>, note: (message: string) => void): void {
  for (const { phase, task, reason } of status.shards) {
    if (phase !== 'stuck' || told.has(reason)) continue;
    told.add(reason);
    note(`task ${task} will not start: ${reason}`);
  }
}
