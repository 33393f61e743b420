import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Environment } from '../slurm/environment.ts';

/**
 * Supervisors that wait for a job. A program needs a tenth of a second to start, which passes while the source is
 * scanned. One that gets no job ends with this process.
 */
export class SpareSupervisors {
  readonly #command: readonly string[];
  readonly #environment: Environment;
  readonly #waiting: ChildProcess[] = [];

  /** `command` starts a supervisor that reads the path of its job, as JSON, from its standard input. */
  constructor(command: readonly string[], environment: Environment) {
    this.#command = command;
    this.#environment = environment;
  }

  /** Starts so many; one that cannot be started is simply not there. */
  start(count: number): void {
    for (let i = 0; i < count; i++) this.#waiting.push(this.#startOne());
  }

  /** Gives the job to a supervisor that waits; undefined when none does. It may still die before it begins. */
  give(jobPath: string): ChildProcess | undefined {
    const child = this.#waiting.shift();
    if (child === undefined) return undefined;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return this.give(jobPath);
    child.stdin?.end(`${JSON.stringify(jobPath)}\n`);
    return child;
  }

  /** Ends those that still wait; when it returns, they are gone. */
  async end(): Promise<void> {
    await Promise.all(this.#waiting.splice(0).map(endOne));
  }

  #startOne(): ChildProcess {
    const [program = '', ...args] = this.#command;
    const child = spawn(program, args, {
      env: this.#environment as NodeJS.ProcessEnv,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Whoever takes it sees its end; until then nobody waits for it
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    child.unref();
    (child.stdin as Socket).unref();
    return child;
  }
}

async function endOne(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
