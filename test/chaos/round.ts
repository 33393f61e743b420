import { cpSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld, type World } from '../e2e/world.ts';
import { randomNumbers } from '../helpers/random.ts';
import type { ByHand } from './copy.ts';
import type { FaultName } from './faults.ts';
import { Player } from './player.ts';
import { SmallDisk } from './small-disk.ts';
import type { Made } from './source-tree.ts';

export type RoundRequest = {
  readonly seed: number;
  readonly source: string;
  readonly made: Made;
  readonly faults: readonly FaultName[];
  /** Between two faults, at most. */
  readonly pauseMs: number;
  /** What makes a copy last: options of bcopy. */
  readonly slowness: readonly string[];
};

/** What happened in a round, and all that was wrong in the end. */
export type Round = {
  readonly seconds: number;
  readonly faults: readonly string[];
  readonly moods: readonly string[];
  readonly attempts: number;
  readonly byHand: ByHand;
  readonly wrong: readonly string[];
  /** Files that were recorded, and so must not be copied again. */
  readonly recorded: number;
  /** Files that several shards shared. */
  readonly divided: number;
};

/** One copy on a cluster of its own, and faults while it goes on; the same seed makes the same choices. */
export async function playRound(request: RoundRequest): Promise<Round> {
  const random = randomNumbers(request.seed);
  const world = await openWorld('slurm');
  const cwd = world.directory();
  let disk: SmallDisk | undefined;
  try {
    disk = await SmallDisk.mount(
      random(2) === 0 ? 'ext4' : 'tmpfs',
      cwd,
      request.made.bytes * 1.5 + 64 * 2 ** 20,
    );
    const round = await new Player({ request, world, cwd, disk, random }).play();
    if (round.wrong.length > 0) keep(request.seed, cwd, world);
    return round;
  } catch (error) {
    keep(request.seed, cwd, world);
    throw error;
  } finally {
    await disk?.unmount();
    await world.close();
  }
}

/** What a failed round leaves to be looked at. */
function keep(seed: number, cwd: string, { cluster }: World): void {
  const kept = join(tmpdir(), `bcopy-chaos-${seed}`);
  for (const name of readdirSync(cwd).filter((name) => name !== 'disk' && name !== 'disk.image'))
    cpSync(join(cwd, name), join(kept, name), { recursive: true });
  cpSync(join(cluster!.directory, 'log'), join(kept, 'cluster'), { recursive: true });
  console.log(`kept in ${kept}`);
}
