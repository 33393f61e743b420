import { complaint, readOptions } from './options.mjs';
import { findRecords, idOf, joinWaiting, readId } from './records.mjs';
import { failure, okay, spendKnob, unreachable } from './state.mjs';

const table = [
  ...[
    ['noheader', 'h', false],
    ['array', 'r', false],
    ['states', 't', true],
    ['jobs', 'j', true],
  ],
  ...[
    ['name', 'n', true],
    ['format', 'o', true],
    ['user', 'u', true],
    ['me', '', false],
    ['partition', 'p', true],
  ],
];
const short = {
  PENDING: 'PD',
  RUNNING: 'R',
  COMPLETING: 'CG',
  COMPLETED: 'CD',
  CANCELLED: 'CA',
  FAILED: 'F',
};
const states =
  /^(all|pending|pd|running|r|suspended|s|complet(ed|ing)|c[dg]|cancelled|ca|failed|f|timeout|to|node_fail|nf|preempted|pr|out_of_memory|oom)$/i;
const columns = {
  i: ['JOBID', idOf],
  F: ['ARRAY_JOB_ID', (job) => job.id],
  K: ['ARRAY_TASK_ID', (_job, task) => task.label ?? task.task ?? 'N/A'],
  A: ['JOBID', (_job, task) => task.raw],
  T: ['STATE', (_job, task) => task.shown],
  t: ['ST', (_job, task) => short[task.shown] ?? task.shown],
  r: ['REASON', (_job, task) => task.reason],
  R: ['NODELIST(REASON)', (_job, task) => task.node || `(${task.reason})`],
  N: ['NODELIST', (_job, task) => task.node],
  j: ['NAME', (job) => job.name],
  P: ['PARTITION', (job) => job.partition],
  u: ['USER', (job) => job.user],
  D: ['NODES', () => 1],
};

function line(format, value) {
  const text = format.replace(/%(\.?)(\d*)([a-zA-Z])/g, (all, dot, width, letter) => {
    if (!columns[letter]) return all;
    const shown = `${value(columns[letter])}`;
    if (width === '') return shown;
    return shown.slice(0, Number(width))[dot ? 'padStart' : 'padEnd'](Number(width));
  });
  return `${text}\n`;
}

/** Without `-t`, only what waits, runs or is ending. */
function isShown(states, task) {
  if (states?.toLowerCase() === 'all') return true;
  if (states)
    return states
      .toUpperCase()
      .split(',')
      .some((state) => [task.shown, short[task.shown]].includes(state));
  return ['PENDING', 'RUNNING', 'COMPLETING'].includes(task.state);
}

export function squeue(args) {
  const { options, wrong } = readOptions(table, args, false);
  if (wrong) return failure(1, ...complaint('squeue', wrong));
  const strange = (options.get('states') ?? 'all').split(',').find((state) => !states.test(state));
  if (strange !== undefined) return failure(1, `squeue: error: Invalid job state specified: ${strange}`);
  const texts = options.get('jobs')?.split(',').filter(Boolean);
  const ids = texts?.map(readId);
  const bad = ids?.indexOf(undefined) ?? -1;
  if (bad >= 0) return failure(1, `squeue: error: Invalid job id: ${texts[bad]}`);
  if (spendKnob('busy')) return failure(1, `slurm_load_jobs error: ${unreachable}`);
  const found = findRecords(ids).filter(({ tasks }) => tasks.length > 0);
  const known = ids?.length === 1 ? findRecords([{ id: ids[0].id }]) : [];
  if (ids?.length === 1 && !known.some(({ tasks }) => tasks.length > 0)) {
    return failure(1, 'slurm_load_jobs error: Invalid job id specified');
  }
  const names = options.get('name')?.split(',');
  const users = options.get('user')?.split(',');
  const format = options.get('format') ?? '%.18i %.9P %.8j %.8u %.2t %.6D %R';
  const lines = found
    .filter(({ job }) => (names?.includes(job.name) ?? true) && (users?.includes(job.user) ?? true))
    .flatMap(({ job, tasks }) =>
      (options.has('array') ? tasks : joinWaiting(job, tasks))
        .filter((task) => isShown(options.get('states'), task))
        .map((task) => line(format, ([, show]) => show(job, task))),
    );
  const header = options.has('noheader') ? '' : line(format, ([title]) => title);
  return okay(header + lines.join(''));
}
