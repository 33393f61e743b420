import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { notSubmitted, readArray, readDependencies, refusal, settle } from './request.mjs';
import { partitions } from './sinfo.mjs';
import {
  hasEnded,
  home,
  jobPath,
  knob,
  nextId,
  okay,
  readTasks,
  recordCall,
  saveTasks,
  sleep,
  spendKnob,
} from './state.mjs';

/** The job, or what slurmctld says against it. */
function checkRequest(options) {
  const partition = options.get('partition') ?? partitions().find(({ isDefault }) => isDefault)?.name;
  if (partition === undefined)
    return { answer: notSubmitted('No partition specified or system default partition') };
  if (!partitions().some(({ name }) => name === partition)) {
    const lines = [
      `invalid partition specified: ${partition}`,
      'Batch job submission failed: Invalid partition name specified',
    ];
    return { answer: refusal(...lines) };
  }
  const dependencies = options.has('dependency') ? readDependencies(options.get('dependency')) : [];
  if (!dependencies) return { answer: notSubmitted('Job dependency problem') };
  const array = options.get('array') ? readArray(options.get('array')) : { tasks: [null], throttle: 0 };
  if (!array) return { answer: notSubmitted('Invalid job array specification') };
  return { partition, dependencies, array };
}

function createJob({ options, script, scriptWords }, { partition, dependencies, array }) {
  const id = nextId();
  const here = readlinkSync('/proc/self/cwd', 'latin1');
  const directory = options.get('chdir') ?? here;
  const isArray = array.tasks[0] !== null;
  const job = {
    ...{ id, isArray, partition, dependencies, here, throttle: array.throttle, options: [...options] },
    ...{
      name:
        options.get('job-name') ??
        scriptWords[0]?.split('/').at(-1) ??
        (options.has('wrap') ? 'wrap' : 'sbatch'),
    },
    ...{ directory: directory.startsWith('/') ? directory : `${here}/${directory}`, submitted: Date.now() },
    ...{ command: scriptWords[0], args: scriptWords.slice(1), host: hostname(), user: userInfo().username },
    ...{ uid: process.getuid(), gid: process.getgid(), tasks: array.tasks },
  };
  const neverStart = knob('never-start');
  const reason = neverStart || (dependencies.length > 0 ? 'Dependency' : 'None');
  const fresh = { raw: id, state: 'PENDING', reason, exit: '0:0', node: '', restarts: 0 };
  mkdirSync(jobPath(id, 'cancel'), { recursive: true });
  writeFileSync(jobPath(id, 'slurm_script'), Buffer.from(script, 'latin1'), { mode: 0o700 });
  writeFileSync(jobPath(id, 'environ'), readFileSync('/proc/self/environ'));
  saveTasks(
    id,
    array.tasks.map((task) => ({ task, ...fresh })),
  );
  writeFileSync(jobPath(id, 'job.json'), JSON.stringify(job));
  if (neverStart !== undefined) return id;
  rmSync(`${home()}/stopping`, { force: true });
  const log = openSync(`${home()}/runners.log`, 'a');
  const program = fileURLToPath(new URL('fake-slurm.mjs', import.meta.url));
  const runner = [program, 'run-job', `${id}`];
  spawn(process.execPath, runner, { detached: true, cwd: '/', stdio: ['ignore', log, log] }).unref();
  return id;
}

/** What `--wait` exits with: the highest exit code of the tasks, 1 where a signal ended one. */
async function waitForEnd(id) {
  while (!readTasks(id).every(hasEnded)) await sleep(50);
  return Math.max(...readTasks(id).map(({ exit }) => (/:0$/.test(exit) ? Number.parseInt(exit, 10) : 1)));
}

export async function sbatch(args) {
  recordCall('sbatch', args);
  const request = settle(args);
  if (request.answer) return request.answer;
  const timedOut = notSubmitted('Socket timed out on send/recv operation');
  if (spendKnob('timeout')) return timedOut;
  const hasDependency = request.options.has('dependency');
  const refused = knob('refuse') ?? (hasDependency ? knob('refuse-finish') : undefined);
  if (refused !== undefined)
    return refusal(...refused.split('\n').map((line) => line.replace(/^sbatch: error: /, '')));
  const checked = checkRequest(request.options);
  if (checked.answer) return checked.answer;
  const id = createJob(request, checked);
  if (spendKnob('timeout-but-accepted')) return timedOut;
  const exitCode =
    request.options.has('wait') || process.env.SBATCH_WAIT !== undefined ? await waitForEnd(id) : 0;
  return { ...okay(request.options.has('parsable') ? `${id}\n` : `Submitted batch job ${id}\n`), exitCode };
}
