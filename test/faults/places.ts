import { randomNumbers } from '../helpers/random.ts';
import type { Round } from './sweep.ts';

/**
 * `FAULTS=full` strikes every operation; otherwise some (`FAULT_PLACES`), from a random one on. `FAULT=MODE:N` repeats
 * one.
 */
export const isFull = process.env.FAULTS === 'full';
const only = /^(.*):(\d+)$/.exec(process.env.FAULT ?? '');
export const onlyMode = only?.[1];
export const faultSeed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 1e6));
const random = randomNumbers(faultSeed);
const placesOfThinned = Number(process.env.FAULT_PLACES ?? 2);
const never = 2 ** 30;

/** One copy with a fault at operation `at`. */
export type PlayRound = (at: number) => Promise<Round>;
/** How many copies were struck, and those of which something was wrong, with the words that repeat them. */
export type Swept = { readonly struck: number; readonly wrong: readonly (Round & { repeat: string })[] };

/** Strikes one place after another, as many at once as there are players, until a copy ends untouched. */
export async function sweep(name: string, players: readonly PlayRound[]): Promise<Swept> {
  const rounds: Round[] = [];
  const places = (await placesFor(players[0]!))[Symbol.iterator]();
  let isUntouched = false;
  const go = async (play: PlayRound) => {
    for (let next = places.next(); !next.done && !isUntouched; next = places.next()) {
      const round = await play(next.value);
      rounds.push(round);
      isUntouched ||= round.happened === 0;
    }
  };
  await Promise.all(players.map(go));
  const wrong = rounds.filter(({ complaints }) => complaints.length > 0).sort((a, b) => a.at - b.at);
  const struck = rounds.filter(({ happened }) => happened > 0).length;
  if (isFull) console.log(`${name}: struck at ${struck} operations, ${wrong.length} copies went wrong`);
  return { struck, wrong: wrong.map((round) => ({ repeat: `FAULT='${name}:${round.at}'`, ...round })) };
}

/** Everywhere, or some places in what an untouched copy does. */
async function placesFor(play: PlayRound): Promise<Iterable<number>> {
  if (only !== null) return [Number(only[2])];
  if (isFull) return fromOneOn();
  const { count } = await play(never);
  const step = Math.max(1, Math.floor(count / placesOfThinned));
  const first = 1 + random(step);
  return Array.from({ length: placesOfThinned }, (_, i) => first + i * step);
}

function* fromOneOn(): Generator<number> {
  for (let at = 1; ; at++) yield at;
}
