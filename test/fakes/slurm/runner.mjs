// What slurmctld and slurmd do for one job: dependency, slots, start, end, requeue, cancel.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { cancelWaiting } from './scancel.mjs';
import {
  hasEnded,
  home,
  isAlive,
  jobPath,
  kill,
  knob,
  locked,
  nextId,
  readJob,
  saveTasks,
  startTime,
  taskKnob,
} from './state.mjs';
import { writeTaskScript } from './task-script.mjs';

const killWaitMs = 1000;
const endings = {
  NODE_FAIL: ['NodeDown', '0:0'],
  TIMEOUT: ['TimeLimit', '0:0'],
  OUT_OF_MEMORY: ['OutOfMemory', '0:125'],
  PREEMPTED: ['None', '0:0'],
};

export const myself = () => ({ pid: process.pid, start: startTime(process.pid) });

/** The number of a free slot, which is now this runner's; slots of runners that died are free. */
function takeSlot() {
  return locked(() => {
    const slots = Number(knob('nodes') ?? 4);
    for (let slot = 1; slot <= slots; slot++) {
      const path = `${home()}/slots/${slot}`;
      if (existsSync(path) && isAlive(JSON.parse(readFileSync(path, 'utf8')))) continue;
      writeFileSync(path, JSON.stringify(myself()));
      return slot;
    }
    return undefined;
  });
}

/** 'yes', 'not yet' or 'never'; a job that is not known counts as ended well. */
function dependencyHolds(job) {
  const answers = job.dependencies.flatMap(({ kind, ids }) =>
    ids.map((id) => {
      const [number, task] = id.split('_');
      const tasks = (readJob(number)?.tasks ?? []).filter(
        (one) => task === undefined || one.task === Number(task),
      );
      if (kind === 'after') return tasks.every(({ state }) => state !== 'PENDING') ? 'yes' : 'not yet';
      if (!tasks.every(hasEnded)) return 'not yet';
      const isFine = tasks.every(({ state }) => state === 'COMPLETED');
      return kind === 'afterany' || isFine === (kind === 'afterok') || tasks.length === 0 ? 'yes' : 'never';
    }),
  );
  return ['never', 'not yet'].find((answer) => answers.includes(answer)) ?? 'yes';
}

/** One job's tasks, the processes that run them, and those that live on after a requeue. */
export class Runner {
  constructor(id) {
    this.job = readJob(id);
    this.tasks = this.job.tasks;
    this.processes = new Map();
    this.strays = new Set();
    this.saved = '';
  }

  save() {
    const now = JSON.stringify(this.tasks);
    if (now === this.saved) return;
    saveTasks(this.job.id, this.tasks);
    this.saved = now;
  }

  start(task, slot) {
    const isLast = this.tasks.filter((one) => one.state === 'PENDING' && one.restarts === 0).length === 1;
    if (task.restarts === 0) task.raw = this.job.isArray && !isLast ? nextId() : this.job.id;
    Object.assign(task, {
      state: 'RUNNING',
      reason: 'None',
      node: `n${slot}`,
      started: Date.now(),
      exit: '0:0',
    });
    const path = writeTaskScript(this.job, task);
    const child = spawn('/bin/bash', [path], { detached: true, stdio: 'ignore', cwd: '/', env: {} });
    const started = { pid: child.pid, start: startTime(child.pid) };
    writeFileSync(jobPath(this.job.id, `process-${child.pid}`), JSON.stringify(started));
    const run = { child, slot, path };
    this.processes.set(task, run);
    child.on('exit', (code, signal) => this.ended(task, run, code, signal));
    const fate = taskKnob('kill-task').get(task.task);
    if (fate) setTimeout(() => this.strike(task, run, fate.words[0]), fate.after);
    const again = taskKnob('requeue-task').get(task.task);
    if (again && task.restarts === 0) setTimeout(() => this.requeue(task, run, again.words), again.after);
  }

  strike(task, run, state) {
    if (this.processes.get(task) !== run) return;
    run.fate = state;
    kill(-run.child.pid, 'SIGKILL');
  }

  requeue(task, run, words) {
    if (this.processes.get(task) !== run) return;
    this.release(task, run);
    if (words.includes('keep-old')) this.strays.add(run);
    else kill(-run.child.pid, 'SIGKILL');
    Object.assign(task, { state: 'PENDING', reason: 'BeginTime', node: '', exit: '0:0' });
    Object.assign(task, { restarts: task.restarts + 1, notBefore: Date.now() + 300 });
  }

  release(task, run) {
    this.processes.delete(task);
    rmSync(`${home()}/slots/${run.slot}`, { force: true });
  }

  ended(task, run, code, signal) {
    kill(-run.child.pid, 'SIGKILL');
    rmSync(jobPath(this.job.id, `process-${run.child.pid}`), { force: true });
    this.strays.delete(run);
    if (this.processes.get(task) !== run) return;
    this.release(task, run);
    const number = signal ? constants.signals[signal] : 0;
    task.ended = Date.now();
    if (task.state === 'COMPLETING') Object.assign(task, { state: 'CANCELLED', exit: '0:15' });
    else if (existsSync(`${run.path}.53`)) fail(task, 'JobLaunchFailure', '0:53');
    else if (run.fate && endings[run.fate]) {
      const [reason, exit] = endings[run.fate];
      Object.assign(task, { state: run.fate, reason, exit });
    } else if (number > 0) fail(task, 'JobLaunchFailure', `0:${number}`);
    else if (code !== 0) fail(task, 'NonZeroExitCode', `${code}:0`);
    else Object.assign(task, { state: 'COMPLETED', exit: '0:0' });
  }

  cancelAsked() {
    for (const name of readdirSync(jobPath(this.job.id, 'cancel'))) {
      rmSync(jobPath(this.job.id, `cancel/${name}`));
      const number = name === 'all' ? undefined : Number(name);
      cancelWaiting(this.job, this.tasks, number);
      for (const [task, run] of this.processes) {
        if ((number ?? task.task) !== task.task || task.state !== 'RUNNING') continue;
        task.state = 'COMPLETING';
        kill(-run.child.pid, 'SIGTERM');
        kill(-run.child.pid, 'SIGCONT');
        setTimeout(() => this.processes.get(task) === run && kill(-run.child.pid, 'SIGKILL'), killWaitMs);
      }
      if (number === undefined) for (const run of this.strays) kill(-run.child.pid, 'SIGKILL');
    }
  }

  schedule() {
    const waiting = this.tasks.filter(({ state }) => state === 'PENDING');
    if (waiting.length === 0) return;
    const holds = dependencyHolds(this.job);
    if (holds !== 'yes') {
      const reason = holds === 'never' ? 'DependencyNeverSatisfied' : 'Dependency';
      for (const task of waiting) task.reason = reason;
      const kills = /^y/.test(new Map(this.job.options).get('kill-on-invalid-dep') ?? 'no');
      if (holds === 'never' && kills) cancelWaiting(this.job, this.tasks, undefined);
      return;
    }
    for (const task of waiting) {
      if (task.notBefore > Date.now()) continue;
      const isFull = this.job.throttle > 0 && this.processes.size >= this.job.throttle;
      const slot = isFull ? undefined : takeSlot();
      if (slot !== undefined) {
        this.start(task, slot);
        continue;
      }
      for (const one of this.tasks) {
        if (one.state === 'PENDING' && !(one.notBefore > Date.now()))
          one.reason = isFull ? 'JobArrayTaskLimit' : 'Resources';
      }
      return;
    }
  }

  killAll() {
    for (const run of [...this.processes.values(), ...this.strays]) kill(-run.child.pid, 'SIGKILL');
  }
}

function fail(task, reason, exit) {
  Object.assign(task, { state: 'FAILED', reason, exit });
}
