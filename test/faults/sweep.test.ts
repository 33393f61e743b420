import { afterAll, describe, expect, it } from 'vitest';
import { modes } from './modes.ts';
import { faultSeed, onlyMode, sweep } from './places.ts';
import { type Lane, oneRound, openLane } from './sweep.ts';

const lanes = [await openLane(), await openLane()];
const why = lanes.find((lane) => typeof lane === 'string');
if (why !== undefined) console.log(`skipped: faults: ${why}`);

describe.skipIf(why !== undefined)(`a fault at one operation (FAULT_SEED=${faultSeed})`, () => {
  const open = lanes as Lane[];
  afterAll(() => Promise.all(open.map((lane) => lane.close())));

  it.each(modes.filter(({ name }) => onlyMode === undefined || onlyMode === name))(
    '$name: nothing torn, an honest exit, and a retry makes the trees equal',
    async (mode) => {
      for (const lane of open) await lane.fill(mode.tree);
      const rounds = await sweep(
        mode.name,
        open.map((lane) => (at) => oneRound(lane, mode, at)),
      );
      expect(rounds.wrong).toEqual([]);
      expect(rounds.struck).toBeGreaterThan(0);
    },
    3_600_000,
  );
});
