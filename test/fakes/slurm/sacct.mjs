import { complaint, readOptions } from './options.mjs';
import { joinWaiting, readId } from './records.mjs';
import { failure, hasEnded, knob, okay, readJob, taskKnob } from './state.mjs';

const table = [
  ['noheader', 'n', false],
  ['allocations', 'X', false],
  ['parsable2', 'P', false],
  ['jobs', 'j', true],
  ['format', 'o', true],
  ['duplicates', 'D', false],
];

/** sacct takes an exit code of 128 and more for a signal. */
function exitCode({ state, exit }) {
  if (state === 'CANCELLED') return '0:0';
  const [code, signal] = exit.split(':').map(Number);
  return code >= 128 ? `${code - 128}:0` : `${code}:${signal}`;
}
const columns = {
  jobid: [
    'JobID',
    (job, task) => (job.isArray ? `${job.id}_${task.label ? `[${task.label}]` : task.task}` : job.id),
  ],
  jobidraw: ['JobIDRaw', (_job, task) => task.raw],
  jobname: ['JobName', (job) => job.name],
  partition: ['Partition', (job) => job.partition],
  state: ['State', (job, task) => (task.shown === 'CANCELLED' ? `CANCELLED by ${job.uid}` : task.shown)],
  exitcode: ['ExitCode', (_job, task) => exitCode(task)],
};

/** `sacct -n -X -P -j IDS -o COLUMNS`: jobs without their steps, fields between `|`. */
export function sacct(args) {
  const { options, wrong } = readOptions(table, args, false);
  if (wrong) return failure(1, ...complaint('sacct', wrong));
  if (knob('accounting-off') !== undefined) return failure(1, 'Slurm accounting storage is disabled');
  const names = (options.get('format') ?? 'jobid,jobname,partition,state,exitcode').toLowerCase().split(',');
  const unknown = names.find((name) => !Object.hasOwn(columns, name));
  if (unknown) return failure(1, `sacct: fatal: Invalid field requested: "${unknown}"`);
  const ids = (options.get('jobs') ?? '').split(',').filter(Boolean).map(readId);
  const strange = taskKnob('strange-state');
  const lines = ids.flatMap((asked) => {
    const job = asked && readJob(asked.id);
    if (!job) return [];
    const tasks = job.tasks.map((task) => {
      const word = strange.get(task.task)?.words[0];
      return {
        ...task,
        shown: (hasEnded(task) ? undefined : word) ?? (task.state === 'COMPLETING' ? 'RUNNING' : task.state),
      };
    });
    const never = (task) => task.node === '' && hasEnded(task);
    const [gone, others] = [tasks.filter(never), tasks.filter((task) => !never(task))];
    return [...joinWaiting(job, others), ...joinWaiting(job, gone)]
      .filter((task) => asked.task === undefined || asked.task === task.task)
      .map((task) => names.map((name) => columns[name][1](job, task)).join('|'));
  });
  const header = options.has('noheader') ? [] : [names.map((name) => columns[name][0]).join('|')];
  return okay([...header, ...lines].map((line) => `${line}\n`).join(''));
}
