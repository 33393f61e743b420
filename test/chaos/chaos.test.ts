import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { giveToUser, whyNot } from '../e2e/world.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { type FaultName, faults } from './faults.ts';
import { playRound, type Round } from './round.ts';
import { type Made, makeSource } from './source-tree.ts';

/** `make chaos` plays many rounds of full size; a round that failed is played again with its seed. */
const rounds = Number(process.env.CHAOS_ROUNDS ?? 0);
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e6));
const isFull = rounds > 0;
const MiB = 2 ** 20;

const reason = process.getuid?.() === 0 ? whyNot('slurm') : 'only root may mount a destination';
if (reason !== undefined) console.log(`skipped: chaos: ${reason}`);

describe.skipIf(reason !== undefined)('a copy on which everything falls', () => {
  let directory: string;
  let source: string;
  let made: Made;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bcopy-chaos-source-'));
    chmodSync(directory, 0o755);
    source = join(directory, 'src');
    made = isFull
      ? makeSource(source, 20_000, [200 * MiB, 64 * MiB])
      : makeSource(source, 2000, [24 * MiB, 4 * MiB]);
    giveToUser(source);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.concurrent.each(Array.from({ length: Math.max(1, rounds) }, (_, round) => seed + round))(
    'is whole in the end, and nothing was copied twice (CHAOS_SEED=%i)',
    async (seed) => {
      const round = await playRound({ seed, source, made, ...(isFull ? full(seed) : small(seed)) });
      console.log(describeRound(seed, round));
      expect(round.wrong).toEqual([]);
      // Without a divided file, and without records, this would prove little
      expect(round.divided).toBe(1);
      expect(round.recorded).toBeGreaterThan(made.entries / 2);
    },
    600_000,
  );
});

/** Half a minute of copying, so long as SLURM may take to see that the time is over; three to six faults. */
function full(seed: number) {
  const random = randomNumbers(seed + 1);
  const names: FaultName[] = [...(Object.keys(faults) as FaultName[]), 'killWorker'];
  const slowness = ['--bwlimit', '8M', '--ops-limit', '120'];
  return { faults: some(names, 3 + random(4), random), pauseMs: 6000, slowness };
}

/** Those that take little time, on some seconds of copying. */
function small(seed: number) {
  const names: FaultName[] = ['killWorker', 'killNode', 'fillDisk'];
  const slowness = ['--bwlimit', '2M', '--ops-limit', '80'];
  return { faults: some(names, 2, randomNumbers(seed + 1)), pauseMs: 2000, slowness };
}

/** So many of them, each once. */
function some(names: readonly FaultName[], count: number, random: Random): FaultName[] {
  const left = [...names];
  return Array.from({ length: count }, () => left.splice(random(left.length), 1)[0]!);
}

function describeRound(
  seed: number,
  { seconds, faults, moods, attempts, byHand, recorded, wrong }: Round,
): string {
  const unwilling = moods.filter((mood) => mood !== 'willing');
  return [
    `CHAOS_SEED=${seed}: ${wrong.length === 0 ? 'whole' : 'WRONG'} after ${seconds} s, ${attempts} attempts, ${byHand.times} by hand, ${recorded} records held`,
    `  faults: ${faults.join('; ')}`,
    `  sbatch: ${moods.length} calls${unwilling.length === 0 ? '' : `, ${unwilling.join(', ')}`}`,
    ...byHand.why.map((why) => `  by hand: ${why}`),
    ...wrong.slice(0, 20).map((what) => `  WRONG: ${what}`),
  ].join('\n');
}
