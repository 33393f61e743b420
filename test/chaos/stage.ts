import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { World } from '../e2e/world.ts';
import type { Random } from '../helpers/random.ts';
import type { SmallDisk } from './small-disk.ts';

/** Where a round plays. */
export type Stage = {
  readonly world: World;
  readonly disk: SmallDisk;
  readonly random: Random;
  /** The run directory, as soon as there is one. */
  readonly run: () => string | undefined;
};

/** The workers of a run: processes that stand in its directory. */
export function workersOf(run: string): { pid: number; work: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        const at = words.findIndex((word) => word.endsWith('/workers/main.js'));
        if (at < 0 || readlinkSync(`/proc/${name}/cwd`) !== run) return [];
        return [
          {
            pid: Number(name),
            work: words
              .slice(at + 1)
              .join(' ')
              .trim(),
          },
        ];
      } catch {
        // It has ended meanwhile
        return [];
      }
    });
}

export type Task = { readonly id: string; readonly raw: string; readonly state: string };

/** The tasks of the user's arrays that run or wait; none when SLURM gives no answer. */
export async function tasksOf(world: World): Promise<Task[]> {
  const { stdout } = await world.run('/', 'squeue', '-h', '-r', '-t', 'R,PD', '-o', '%i %A %T');
  const lines = stdout.split('\n').filter(Boolean);
  return lines
    .map((line) => line.split(' '))
    .map(([id, raw, state]) => ({ id: id!, raw: raw!, state: state! }));
}

export function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items[random(items.length)];
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
