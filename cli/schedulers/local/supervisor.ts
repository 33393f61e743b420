import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { untilChanged } from '../until-changed.ts';
import { EventWriter } from './events.ts';
import { type LocalJob, localPaths, readJob, type TaskNumber, tasksOf } from './job-file.ts';
import { hasEnded } from './job-state.ts';
import { identify, type ProcessIdentity, signalSession, thisMachine } from './processes.ts';
import { startTask, type TaskEnd } from './task.ts';

// The detached process of one local job: waits for the jobs before it, runs its tasks, writes its events.
// `supervisor.js <job file>`, or `-` to wait until standard input names the job file; it outlives the command that started it, and the login.

/** A supervisor that was killed changes no file: so often somebody looks whether it lives. */
const lookMs = 200;
const graceMs = 5_000;

class Supervisor {
  readonly #job: LocalJob;
  readonly #events: EventWriter;
  readonly #running = new Map<TaskNumber, ProcessIdentity>();
  readonly #stop = new AbortController();

  constructor(job: LocalJob) {
    this.#job = job;
    this.#events = new EventWriter(localPaths(job).events);
  }

  async run(): Promise<void> {
    process.on('SIGHUP', () => {});
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => this.#cancel());
    // A job whose supervisor nobody can find is not begun
    if (!this.#events.append({ type: 'supervisor', ...self(), ...thisMachine() }))
      throw new Error('cannot write the first event of the job');
    await this.#waitForOthers();
    await this.#runTasks();
    this.#events.append({ type: 'finished' });
    this.#events.close();
  }

  async #waitForOthers(): Promise<void> {
    for (const other of this.#job.after) {
      const { events } = localPaths(other);
      while (!this.#stop.signal.aborted && !(await hasEnded(other)))
        await untilChanged(events, lookMs, this.#stop.signal).catch(() => {});
    }
    if (!this.#stop.signal.aborted) this.#events.append({ type: 'released' });
  }

  /** As many lanes as tasks may run at once; each takes the next task when it is free. */
  async #runTasks(): Promise<void> {
    const waiting = tasksOf(this.#job)[Symbol.iterator]();
    const lanes = Math.min(this.#job.array?.atOnce ?? 1, tasksOf(this.#job).length);
    await Promise.all(Array.from({ length: lanes }, () => this.#runLane(waiting)));
  }

  async #runLane(waiting: Iterator<TaskNumber>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const next = waiting.next();
      if (next.done) return;
      const end = await this.#runTask(next.value).catch(toEnd);
      this.#running.delete(next.value);
      this.#events.append({ type: 'ended', task: next.value ?? null, ...end });
    }
  }

  async #runTask(task: TaskNumber): Promise<TaskEnd> {
    const place = { host: hostname(), submitDirectory: process.cwd() };
    const started = startTask(this.#job, task, place, process.env);
    if (!('identity' in started)) return started;
    this.#running.set(task, started.identity);
    this.#events.append({ type: 'started', task: task ?? null, ...started.identity });
    return started.end;
  }

  #cancel(): void {
    if (this.#stop.signal.aborted) return;
    this.#events.append({ type: 'cancelled' });
    this.#stop.abort();
    // A stopped process takes its signal only when it goes on.
    this.#signalAll('SIGTERM');
    this.#signalAll('SIGCONT');
    setTimeout(() => this.#signalAll('SIGKILL'), graceMs).unref();
  }

  #signalAll(name: NodeJS.Signals): void {
    for (const identity of this.#running.values()) signalSession(identity, name);
  }
}

function self(): ProcessIdentity {
  const identity = identify(process.pid);
  if (!identity) throw new Error('/proc does not show this process');
  return identity;
}

function toEnd(error: unknown): TaskEnd {
  return { code: null, signal: null, problem: error instanceof Error ? error.message : String(error) };
}

async function runJob(path: string): Promise<void> {
  await new Supervisor(await readJob(path)).run();
}

/** The job file that standard input names, as JSON; undefined when it ends without. */
async function namedOnInput(): Promise<string | undefined> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text === '' ? undefined : (JSON.parse(text) as string);
}

/** Nobody reads the standard error of one that has waited. */
async function runComplaining(path: string): Promise<void> {
  try {
    await runJob(path);
  } catch (error) {
    writeFileSync(path.replace(/json$/, 'err'), `${(error as Error).stack}\n`, { flag: 'a', mode: 0o600 });
    throw error;
  }
}

async function main([word]: readonly string[]): Promise<void> {
  if (word === undefined) throw new Error('usage: supervisor JOB-FILE');
  const path = word === '-' ? await namedOnInput() : word;
  if (path !== undefined) await (word === '-' ? runComplaining(path) : runJob(path));
}

void main(process.argv.slice(2));
