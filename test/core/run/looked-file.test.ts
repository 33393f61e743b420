import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Entry } from '../../../core/model/entry.ts';
import type { Plan } from '../../../core/model/plan.ts';
import { wholeEntriesOf } from '../../../core/model/plan.ts';
import { LookedWriter, lookedRanges, type ShardRange } from '../../../core/run/looked-file.ts';
import { kinds } from '../../../core/run/tape-chunk.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { TapeWriter } from '../../../core/run/tape-writer.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';
import { makeRun, planRun, type RunFixture } from '../../helpers/run-fixture.ts';

/** Set to see one failure again. */
const onlySeed = Number(process.env.LOOKED_FILE_SEED ?? 0);

let run: RunFixture | undefined;
afterEach(() => {
  run?.remove();
  run = undefined;
});

/** With which workers have nothing to do. */
const isSettled = (entry: Entry) =>
  entry.kind === 'directory' || entry.kind === 'link' || (entry.kind === 'file' && entry.isSame === true);

/** Of 1000 entries after the first, so many are of each kind. */
type Mixture = { readonly same: number; readonly directory: number; readonly link: number };

function randomEntries(random: Random, count: number, { same, directory, link }: Mixture): Entry[] {
  return Array.from({ length: count }, (_, ordinal): Entry => {
    const name = `n${ordinal}`;
    const dice = random(1000);
    if (ordinal === 0) return { kind: 'directory', path: '' };
    if (dice < same) return { kind: 'file', name, bytes: random(3000), isSame: true };
    if (dice < same + directory) return { kind: 'directory', path: name };
    if (dice < same + directory + link) return { kind: 'link', name, first: 0 };
    if (dice % 4 === 0) return { kind: 'symlink', name };
    if (dice % 4 === 1) return { kind: 'special', name };
    if (dice % 4 === 2) return { kind: 'unreadable', name, errno: 'EACCES' };
    return { kind: 'file', name, bytes: random(3000) };
  });
}

function numberOf(entry: Entry): number {
  return entry.kind === 'file' && entry.isSame ? kinds.lastIndexOf('file') : kinds.indexOf(entry.kind);
}

/** Writes both files, cuts the tape, and reads what is done already. */
function lookedIn(entries: readonly Entry[], shards: number): { plan: Plan; ranges: ShardRange[] } {
  run = makeRun();
  const { paths } = run;
  const looked = new LookedWriter(paths);
  const tape = new TapeWriter(paths);
  for (const entry of entries) {
    tape.add(entry);
    looked.add(numberOf(entry), entry.kind === 'file' ? entry.bytes : 0);
  }
  tape.close();
  looked.close();
  const plan = planRun(paths, entries, shards);
  const reader = new TapeReader(paths);
  try {
    return { plan, ranges: [...lookedRanges(paths, plan, reader)] };
  } finally {
    reader.close();
  }
}

/** The same by hand: all that is settled, in one piece within a shard, unless it is short and the shard has more. */
function expectedIn(entries: readonly Entry[], plan: Plan): ShardRange[] {
  const ranges: ShardRange[] = [];
  for (const [shard, cut] of plan.shards.entries()) {
    const whole = wholeEntriesOf(cut);
    for (let from = whole.from; from < whole.to; from++) {
      let to = from;
      while (to < whole.to && isSettled(entries[to]!)) to++;
      const isShort = to - from < 16 && (from > whole.from || to < whole.to);
      if (to > from && !isShort) ranges.push({ shard, range: doneIn(entries, from, to) });
      from = to;
    }
  }
  return ranges;
}

function doneIn(entries: readonly Entry[], from: number, to: number): ShardRange['range'] {
  const nothing = { entries: 0, bytes: 0 };
  const skipped = { ...nothing };
  for (const entry of entries.slice(from, to)) {
    if (entry.kind !== 'file') continue;
    skipped.entries++;
    skipped.bytes += entry.bytes;
  }
  return { from, to, copied: nothing, skipped, linked: nothing };
}

describe('what the scan has found at the destination', () => {
  test.each<[string, Mixture]>([
    ['all is there', { same: 960, directory: 30, link: 10 }],
    ['most is there', { same: 900, directory: 40, link: 20 }],
    ['little is there', { same: 300, directory: 100, link: 50 }],
    ['hardly anything but directories', { same: 5, directory: 950, link: 40 }],
    ['nothing', { same: 0, directory: 50, link: 20 }],
  ])('is read back shard by shard as it was written, where %s', (_, mixture) => {
    const seeds = onlySeed > 0 ? [onlySeed] : Array.from({ length: 25 }, (__, i) => i + 1);
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      // More than one mark of the index
      const entries = randomEntries(random, 1 + random(5000), mixture);
      const { plan, ranges } = lookedIn(entries, 1 + random(30));
      expect(ranges, `LOOKED_FILE_SEED=${seed}`).toEqual(expectedIn(entries, plan));
      run?.remove();
    }
  });

  test('ends a line at each mark of the index, and is one piece again in a journal', () => {
    const entries: Entry[] = Array.from({ length: 2500 }, (_, i): Entry => {
      return i === 0
        ? { kind: 'directory', path: '' }
        : { kind: 'file', name: `${i}`, bytes: 2, isSame: true };
    });
    const { ranges } = lookedIn(entries, 1);
    const lines = readFileSync(run!.paths.looked, 'utf8').trimEnd().split('\n');
    expect(lines).toEqual(['[0,1024,1023,2046]', '[1024,2048,1024,2048]', '[2048,2500,452,904]']);
    expect(ranges).toEqual([{ shard: 0, range: doneIn(entries, 0, 2500) }]);
  });

  test.each([
    [15, []],
    [16, [[0, 16]]],
  ])(
    'of %i entries before one that is left is written down only where that saves something',
    (count, expected) => {
      const same: Entry[] = Array.from({ length: count }, (_, i) => ({
        kind: 'file',
        name: `${i}`,
        bytes: 1,
        isSame: true,
      }));
      const { ranges } = lookedIn([...same, { kind: 'file', name: 'left', bytes: 1 }], 1);
      expect(ranges.map(({ range: { from, to } }) => [from, to])).toEqual(expected);
    },
  );

  test('is written down however little it is where nothing else is in the shard', () => {
    const { ranges } = lookedIn([{ kind: 'directory', path: '' }], 1);
    expect(ranges).toEqual([{ shard: 0, range: doneIn([{ kind: 'directory', path: '' }], 0, 1) }]);
  });
});
