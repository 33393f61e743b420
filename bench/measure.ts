import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type Command = { readonly label: string; readonly program: string; readonly words: readonly string[] };

/** One run; CPU time and memory are missing where GNU time is. */
export type Run = { readonly seconds: number; readonly cpu?: number; readonly megabytes?: number };

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** GNU time: Node cannot tell what a finished child has used. Its own small process starts the program, so that no memory of ours is counted. */
const timeProgram = '/usr/bin/time';

export function hasTime(): boolean {
  return hasProgram(timeProgram);
}

/** True when the program can be started. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Runs a command, its output thrown away, and measures it; one that fails ends the benchmark. */
export function measure(command: Command, directory: string, environment: NodeJS.ProcessEnv): Run {
  const usage = `${directory}/usage`;
  const words = [command.program, ...command.words];
  if (hasTime()) words.unshift(timeProgram, '-o', usage, '-f', '%M %U %S');
  const start = performance.now();
  const { status, stderr, error } = spawnSync(words[0]!, words.slice(1), {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 26,
  });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${command.label} failed: ${error?.message ?? stderr.toString().trim()}`);
  return { seconds, ...(words[0] === timeProgram ? readUsage(usage) : {}) };
}

function readUsage(file: string): { cpu: number; megabytes: number } {
  const [kibibytes, user, system] = readFileSync(file, 'utf8').trim().split(' ').map(Number);
  return { cpu: user! + system!, megabytes: (kibibytes! * 1024) / 1e6 };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** A copy in random order, so that no command always follows the same other one. */
export function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, key: Math.random() }));
  return order.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
