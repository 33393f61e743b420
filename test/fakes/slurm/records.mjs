// Which jobs and tasks a question is about, and how SLURM names them.
import { hasEnded, knob, readJob, readJobs, taskKnob } from './state.mjs';

/** `7`, `7_3` -> { id, task }; undefined when it is no job id. */
export function readId(text) {
  const form = /^(\d+)(?:_(\d+))?$/.exec(text);
  return form ? { id: form[1], task: form[2] === undefined ? undefined : Number(form[2]) } : undefined;
}

/** [0,1,2,5] -> `0-2,5` */
export function ranges(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** The tasks that slurmctld still knows: not those cancelled out of a waiting array, not those it forgot. */
export function knownTasks(job) {
  const forgets = knob('forget') !== undefined;
  const strange = taskKnob('strange-state');
  return job.tasks
    .filter((task) => !task.removed && !(forgets && hasEnded(task)))
    .map((task) => ({ ...task, shown: strange.get(task.task)?.words[0] ?? task.state }));
}

/** Waiting tasks of one array as one record, as SLURM keeps them until they start. */
export function joinWaiting(job, tasks) {
  const waiting = tasks.filter((task) => job.isArray && task.node === '' && task.shown === task.state);
  if (waiting.length === 0) return tasks;
  const throttle = job.throttle > 0 ? `%${job.throttle}` : '';
  const joined = { ...waiting[0], label: `${ranges(waiting.map(({ task }) => task))}${throttle}` };
  return [joined, ...tasks.filter((task) => !waiting.includes(task))];
}

/** Known jobs with these ids (an array's, or a task's own raw id) and their known tasks. */
export function findRecords(ids) {
  const jobs = ids ? ids.map(({ id }) => readJob(id) ?? jobOfRaw(id)) : readJobs();
  const unique = [...new Map(jobs.filter(Boolean).map((job) => [job.id, job])).values()];
  return unique.map((job) => {
    const wanted = ids?.filter(
      ({ id }) => Number(id) === job.id || job.tasks.some(({ raw }) => raw === Number(id)),
    );
    const tasks = knownTasks(job).filter((task) => wanted?.some((one) => isAsked(job, task, one)) ?? true);
    return { job, tasks };
  });
}

const isAsked = (job, task, { id, task: number }) =>
  Number(id) === job.id ? number === undefined || number === task.task : task.raw === Number(id);
const jobOfRaw = (id) => readJobs().find((job) => job.tasks.some(({ raw }) => raw === Number(id)));

/** `7_3`, `7_[4-9%2]` or `7`. */
export function idOf(job, task) {
  if (!job.isArray) return `${job.id}`;
  return task.label === undefined ? `${job.id}_${task.task}` : `${job.id}_[${task.label}]`;
}
