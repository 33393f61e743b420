// How a task begins: slurmstepd's part, written as a shell script so that bytes stay bytes.
import { readFileSync, writeFileSync } from 'node:fs';
import { jobPath } from './state.mjs';

const quote = (text) => `'${`${text}`.replaceAll("'", "'\\''")}'`;

/** `%A` array, `%a` task, `%j` the task's own id, `%x` name, `%u` user, `%N` node; `%5a` is padded with zeros. */
export function expandPattern(pattern, job, task) {
  if (pattern.includes('\\')) return pattern.replaceAll('\\', '');
  const values = {
    A: job.id,
    a: task.task ?? 4294967294,
    j: task.raw,
    J: task.raw,
    x: job.name,
    u: job.user,
  };
  Object.assign(values, { N: task.node, s: 'batch', t: 0, n: 0 });
  return pattern.replace(/%(\d*)([a-zA-Z%])/g, (all, width, letter) => {
    if (letter === '%') return '%';
    if (!Object.hasOwn(values, letter)) return all;
    return `${values[letter]}`.padStart('AajJtn'.includes(letter) ? Number(width) : 0, '0');
  });
}

function slurmVariables(job, task, options) {
  const cpus = options.get('cpus-per-task');
  const array = {
    SLURM_ARRAY_JOB_ID: job.id,
    SLURM_ARRAY_TASK_ID: task.task,
    SLURM_ARRAY_TASK_COUNT: job.tasks.length,
    SLURM_ARRAY_TASK_MIN: job.tasks[0].task,
    SLURM_ARRAY_TASK_MAX: job.tasks.at(-1).task,
    SLURM_ARRAY_TASK_STEP: 1,
  };
  const always = {
    ...{ ENVIRONMENT: 'BATCH', HOSTNAME: task.node, SLURMD_NODENAME: task.node, TMPDIR: '/tmp' },
    ...{
      SLURM_CLUSTER_NAME: 'fake',
      SLURM_CPUS_ON_NODE: cpus ?? 1,
      SLURM_JOBID: task.raw,
      SLURM_JOB_ID: task.raw,
    },
    ...{ SLURM_JOB_CPUS_PER_NODE: cpus ?? 1, SLURM_JOB_NAME: job.name, SLURM_JOB_NODELIST: task.node },
    ...{
      SLURM_JOB_NUM_NODES: 1,
      SLURM_JOB_PARTITION: job.partition,
      SLURM_JOB_UID: job.uid,
      SLURM_JOB_USER: job.user,
    },
    ...{ SLURM_NNODES: 1, SLURM_NODEID: 0, SLURM_NODELIST: task.node, SLURM_PROCID: 0, SLURM_LOCALID: 0 },
    ...{ SLURM_SUBMIT_DIR: job.here, SLURM_SUBMIT_HOST: job.host, SLURM_TASKS_PER_NODE: 1 },
  };
  return {
    ...always,
    ...(job.isArray ? array : {}),
    ...(cpus === undefined ? {} : { SLURM_CPUS_PER_TASK: cpus }),
    ...(task.restarts > 0 ? { SLURM_RESTART_COUNT: task.restarts } : {}),
    ...(options.has('account') ? { SLURM_JOB_ACCOUNT: options.get('account') } : {}),
  };
}

/** The submitter's environment as `--export` lets it through: ALL, NONE, or names and NAME=VALUE. */
function exported(job, options) {
  const lines = readFileSync(jobPath(job.id, 'environ'), 'latin1').split('\0').filter(Boolean);
  const all = new Map(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const words = (options.get('export') ?? 'ALL').split(',').filter(Boolean);
  const home = all.get('HOME') ?? '/';
  const login = {
    HOME: home,
    USER: job.user,
    LOGNAME: job.user,
    SHELL: '/bin/bash',
    PATH: '/usr/local/bin:/usr/bin:/bin',
  };
  const kept = words.includes('ALL') ? all : new Map(Object.entries(login));
  for (const word of words.filter((name) => !/^(ALL|NONE|NIL)$/.test(name))) {
    const name = word.split('=', 1)[0];
    if (word.includes('=')) kept.set(name, word.slice(name.length + 1));
    else if (all.has(word)) kept.set(word, all.get(word));
  }
  if (!words.includes('ALL')) kept.set('SLURM_EXPORT_ENV', words.join(','));
  return kept;
}

/** Writes what starts this execution of a task and answers its path; a log that cannot be opened makes `PATH.53`. */
export function writeTaskScript(job, task) {
  const options = new Map(job.options);
  const path = jobPath(job.id, `start-${task.task ?? 'job'}-${task.restarts}`);
  const open = /^a/.test(options.get('open-mode') ?? 't') ? '>>' : '>';
  const out = options.get('output') ?? (job.isArray ? 'slurm-%A_%a.out' : 'slurm-%j.out');
  const file = (pattern) => {
    const name = expandPattern(pattern, job, task);
    return quote(name.startsWith('/') ? name : `${job.directory}/${name}`);
  };
  const error = options.get('error');
  const variables = { ...Object.fromEntries(exported(job, options)), ...slurmVariables(job, task, options) };
  const environment = Object.entries(variables).map(([name, value]) => quote(`${name}=${value}`));
  const message = `slurmstepd-${task.node}: error: couldn't chdir to \`${job.directory}': No such file or directory: going to /tmp instead`;
  const lines = [
    `exec </dev/null 2>/dev/null`,
    `{ exec ${open}${file(out)}; } && { exec 2${error === undefined ? '>&1' : `${open}${file(error)}`}; } || { : >${quote(`${path}.53`)}; exit 1; }`,
    `cd -- ${quote(job.directory)} 2>/dev/null || { echo ${quote(message)} >&2; cd /tmp; }`,
    `exec env -i ${environment.join(' ')} ${[jobPath(job.id, 'slurm_script'), ...job.args].map(quote).join(' ')}`,
  ];
  writeFileSync(path, Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
  return path;
}
