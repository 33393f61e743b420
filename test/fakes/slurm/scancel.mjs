import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { complaint, readOptions } from './options.mjs';
import { readId } from './records.mjs';
import { failure, isAlive, jobPath, okay, readJob, readJobs, recordCall, saveTasks } from './state.mjs';

const table = [
  ['quiet', 'Q', false],
  ['verbose', 'v', false],
  ['name', 'n', true],
  ['jobname', '', true],
];

/** Takes waiting tasks out of a job: alone they leave no record, all together they stay as CANCELLED. */
export function cancelWaiting(job, tasks, number) {
  for (const task of tasks) {
    if (task.state !== 'PENDING' || (number !== undefined && number !== task.task)) continue;
    task.state = 'CANCELLED';
    if (number !== undefined && job.isArray) task.removed = true;
  }
}

function runnerLives(id) {
  const path = jobPath(id, 'runner');
  return existsSync(path) && isAlive(JSON.parse(readFileSync(path, 'utf8')));
}

export function scancel(args) {
  recordCall('scancel', args);
  const { options, words, wrong } = readOptions(table, args, false);
  if (wrong) return failure(1, ...complaint('scancel', wrong));
  const name = options.get('name') ?? options.get('jobname');
  const named = name === undefined ? [] : readJobs().filter((job) => job.name === name);
  const texts = [...words.flatMap((word) => word.split(',')), ...named.map(({ id }) => `${id}`)];
  if (texts.length === 0 && name === undefined)
    return failure(1, 'scancel: error: No job identification provided');
  const bad = texts.find((text) => readId(text) === undefined);
  if (bad !== undefined) return failure(1, `scancel: error: Invalid job id ${bad}`);
  for (const { id, task } of texts.map(readId)) {
    const job = readJob(id);
    if (!job) continue;
    writeFileSync(jobPath(id, `cancel/${task ?? 'all'}`), '');
    if (
      job.tasks.every(({ state, reason }) => state === 'PENDING' && reason !== 'None') &&
      !runnerLives(id)
    ) {
      cancelWaiting(job, job.tasks, task);
      saveTasks(id, job.tasks);
    }
  }
  return okay();
}
