// What the fake cluster remembers, in files that several processes read and write at the same time.
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** Everything ended, well or badly: no process of such a task is alive. */
export const hasEnded = (task) => !['PENDING', 'RUNNING', 'COMPLETING'].includes(task.state);
export const home = () => process.env.FAKE_SLURM;
export const jobPath = (id, file = '') => `${home()}/jobs/${id}/${file}`;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function prepare() {
  for (const name of ['jobs', 'knobs', 'slots']) mkdirSync(`${home()}/${name}`, { recursive: true });
}

function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Runs `work` while no other process of this cluster is in here. */
export function locked(work) {
  const lock = `${home()}/lock`;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx'));
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 10_000) rmSync(lock, { force: true });
      pause(2);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** A knob's content without white space around it; undefined when it is not set. */
export function knob(name) {
  try {
    return readFileSync(`${home()}/knobs/${name}`, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** True for as many calls as the knob's number says, over all processes. */
export function spendKnob(name) {
  if (knob(name) === undefined) return false;
  return locked(() => {
    const left = Number(knob(name) ?? 0);
    if (!(left > 0)) return false;
    if (left === 1) rmSync(`${home()}/knobs/${name}`);
    else writeFileSync(`${home()}/knobs/${name}`, `${left - 1}`);
    return true;
  });
}

/** Lines such as `1,3-4 NODE_FAIL after=200` of a knob that names tasks: task number -> { words, after }. */
export function taskKnob(name) {
  const found = new Map();
  for (const line of (knob(name) ?? '').split('\n')) {
    const words = line.split(/\s+/).filter(Boolean);
    const numbers = words.filter((word) => /^[\d,-]+$/.test(word)).flatMap((word) => word.split(','));
    const after = Number(words.find((word) => word.startsWith('after='))?.slice(6) ?? 100);
    const rest = words.filter((word) => /^[A-Za-z_-]+$/.test(word));
    for (const number of numbers) {
      const [first, last = first] = number.split('-').map(Number);
      for (let task = first; task <= last; task++) found.set(task, { words: rest, after });
    }
  }
  return found;
}

export function nextId() {
  return locked(() => {
    const path = `${home()}/counter`;
    const id = existsSync(path) ? Number(readFileSync(path, 'utf8')) + 1 : 101;
    writeFileSync(path, `${id}`);
    return id;
  });
}

export function writeWhole(path, data) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, data);
  renameSync(temporary, path);
}
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
export const saveTasks = (id, tasks) => writeWhole(jobPath(id, 'tasks.json'), JSON.stringify(tasks));
export const readTasks = (id) => readJson(jobPath(id, 'tasks.json'));
/** The job as it was submitted and its tasks as they are; undefined when there is none. */
export function readJob(id) {
  if (!/^\d+$/.test(id) || !existsSync(jobPath(id, 'job.json'))) return undefined;
  return { ...readJson(jobPath(id, 'job.json')), tasks: readTasks(id) };
}
export function readJobs() {
  const ids = readdirSync(`${home()}/jobs`).sort((a, b) => Number(a) - Number(b));
  return ids.map((id) => readJob(id)).filter((job) => job !== undefined);
}

/** One line for each call of a command, its arguments as JSON. */
export function recordCall(command, args) {
  appendFileSync(`${home()}/${command}-calls`, `${JSON.stringify(args)}\n`);
}

/** When a process began, so that a reused id is not taken for it; undefined when it has ended. */
export function startTime(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
export const isAlive = ({ pid, start }) => startTime(pid) === start;

export function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
export const okay = (stdout = '') => ({ exitCode: 0, stdout, stderr: '' });
export const failure = (exitCode, ...lines) => ({ exitCode, stdout: '', stderr: `${lines.join('\n')}\n` });
export const unreachable = 'Unable to contact slurm controller (connect failure)';
