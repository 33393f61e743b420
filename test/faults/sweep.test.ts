import { afterAll, describe, expect, it } from 'vitest';
import { randomNumbers } from '../helpers/random.ts';
import { modes } from './modes.ts';
import { type Lane, type Mode, oneRound, openLane, type Round } from './sweep.ts';

/** `FAULTS=full` strikes every operation; otherwise some, from a random one on. `FAULT=MODE:N` repeats one. */
const isFull = process.env.FAULTS === 'full';
const only = /^(.*):(\d+)$/.exec(process.env.FAULT ?? '');
const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 1e6));
const random = randomNumbers(seed);
const roundsOfThinned = 4;
const never = 2 ** 40;

const lanes = [await openLane(), await openLane()];
const why = lanes.find((lane) => typeof lane === 'string');
if (why !== undefined) console.log(`skipped: faults: ${why}`);

describe.skipIf(why !== undefined)(`a fault at one operation (FAULT_SEED=${seed})`, () => {
  const open = lanes as Lane[];
  afterAll(() => Promise.all(open.map((lane) => lane.close())));

  it.each(modes.filter(({ name }) => only === null || only[1] === name))(
    '$name: nothing torn, an honest exit, and a retry makes the trees equal',
    async (mode) => {
      for (const lane of open) await lane.fill(mode.tree);
      const rounds = await sweep(open, mode, await placesOf(open[0]!, mode));
      const bad = rounds.filter(({ complaints }) => complaints.length > 0);
      const struck = rounds.filter(({ happened }) => happened > 0).length;
      if (isFull) console.log(`${mode.name}: struck at ${struck} operations, ${bad.length} went wrong`);
      expect(bad.map((round) => ({ repeat: `FAULT='${mode.name}:${round.at}'`, ...round }))).toEqual([]);
      expect(struck).toBeGreaterThan(0);
    },
    3_600_000,
  );
});

/** Where to strike: everywhere until a copy ends untouched, or at some places up to there. */
async function placesOf(lane: Lane, mode: Mode): Promise<Iterable<number>> {
  if (only !== null) return [Number(only[2])];
  if (isFull) return fromOneOn();
  const { count } = await oneRound(lane, mode, never);
  const step = Math.max(1, Math.floor(count / roundsOfThinned));
  const first = 1 + random(step);
  return Array.from({ length: roundsOfThinned }, (_, i) => first + i * step);
}

function* fromOneOn(): Generator<number> {
  for (let at = 1; ; at++) yield at;
}

/** Ends with the first place at which nothing was struck. */
async function sweep(lanes: readonly Lane[], mode: Mode, places: Iterable<number>): Promise<Round[]> {
  const rounds: Round[] = [];
  const iterator = places[Symbol.iterator]();
  let isUntouched = false;
  const work = async (lane: Lane) => {
    for (let next = iterator.next(); !next.done && !isUntouched; next = iterator.next()) {
      const round = await oneRound(lane, mode, next.value);
      rounds.push(round);
      isUntouched ||= round.happened === 0;
    }
  };
  await Promise.all(lanes.map(work));
  return rounds.sort((a, b) => a.at - b.at);
}
