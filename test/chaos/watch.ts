import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { buildProgram } from './build-program.ts';
import type { Sightings } from './watcher.ts';

export type Watched = {
  readonly source: string;
  /** What the destination held at first. */
  readonly before: string;
  readonly destination: string;
};

/** A process that looks at a destination all the while. */
export type Watch = {
  go(): Promise<Sightings>;
  /** Returns when it no longer looks. */
  stop(): Promise<Sightings>;
  end(): Promise<void>;
};

export async function startWatch(
  directory: string,
  { source, before, destination }: Watched,
): Promise<Watch> {
  const program = await buildProgram('watcher', directory);
  const child = spawn(process.execPath, [program, source, before, destination], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (word: string): Promise<Sightings> => {
    child.stdin.write(`${word}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('the watcher has ended');
    return JSON.parse(value) as Sightings;
  };
  return {
    go: () => ask('go'),
    stop: () => ask('stop'),
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
