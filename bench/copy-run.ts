import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, AccountKind } from './accounting.ts';
import type { Command } from './measure.ts';

export type CopyRun = {
  readonly seconds: number;
  /** With a sync of the destination's file system right after. */
  readonly syncedSeconds: number;
  readonly cpu: number;
  readonly megabytes: number;
};

export type RunOptions = {
  readonly accounting: AccountKind;
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The file system that is synced after the run. */
  readonly volume: string;
};

/** How long what a command has left in the background may go on before it is ended. */
const patienceMs = 60_000;
const running = new Set<Account>();

/** Runs a copy and measures all of its processes. A command that fails is an Error with its last words. */
export async function runCopy(command: Command, options: RunOptions): Promise<CopyRun> {
  const account = options.accounting.open();
  running.add(account);
  try {
    const start = performance.now();
    const { child, words } = begin(command, account, options);
    const sampling = setInterval(() => account.sample(), account.sampleMs);
    const [status] = (await once(child, 'close')) as [number | null];
    const end = performance.now();
    sync(options.volume);
    const synced = performance.now();
    clearInterval(sampling);
    await waitForRest(account);
    if (status !== 0) throw new Error(lastLine(words()) || `it ended with code ${status}`);
    const [seconds, syncedSeconds] = [(end - start) / 1000, (synced - start) / 1000];
    return { seconds, syncedSeconds, cpu: account.cpuSeconds(), megabytes: account.megabytes() };
  } finally {
    running.delete(account);
    killAll(account);
    account.close();
  }
}

function begin(command: Command, account: Account, { directory, environment }: RunOptions) {
  const { joinFile } = account;
  const join = joinFile === undefined ? 'exec "$@"' : 'echo $$ >"$0" && exec "$@"';
  const words = ['-c', join, joinFile ?? 'sh', command.program, ...command.words];
  const child: ChildProcess = spawn('/bin/sh', words, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  account.begin(child.pid!);
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000);
  });
  return { child, words: () => said };
}

/** The command has ended; what it left in the background belongs to the run, but not to its time. */
async function waitForRest(account: Account): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (account.processes().length > 0 && performance.now() < deadline) {
    account.sample();
    await sleep(10);
  }
}

/** Ends everything that is under way, at once: for the end of the benchmark. */
export function killRunning(): void {
  for (const account of running) {
    killAll(account);
    account.close();
  }
}

function killAll(account: Account): void {
  for (const pid of account.processes()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself
    }
  }
}

/** Writes what is dirty on the file system of a path to disk. */
export function sync(path: string): void {
  const { status, stderr } = spawnSync('sync', ['-f', path]);
  if (status !== 0) throw new Error(`cannot sync ${path}: ${stderr}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
