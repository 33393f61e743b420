import { describe, expect, test } from 'vitest';
import { bytesOf, type Entry } from '../../../core/model/entry.ts';
import { dividedFiles, imbalanceOf, type Plan, partsOf, wholeEntriesOf } from '../../../core/model/plan.ts';
import { cutNear } from '../../../core/model/tape.ts';
import { cutTape, layTape } from '../../helpers/memory-tape.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';

const [KiB, MiB, GiB] = [2 ** 10, 2 ** 20, 2 ** 30];
type Sizes = (random: Random) => number;

const distributions: Record<string, Sizes> = {
  'empty files': () => 0,
  'small files': (random) => random(64 * KiB),
  'large files': (random) => GiB + random(8 * GiB),
  'sizes over twelve powers of ten': (random) => Math.floor(10 ** (random(12_000) / 1000)),
  'many small files and a few large ones': (random) => (random(100) === 0 ? random(50 * GiB) : random(MiB)),
};

/** A directory for every twenty entries, further names, symlinks, specials and unreadable entries among the files. */
function randomEntries(random: Random, count: number, size: Sizes): Entry[] {
  return Array.from({ length: count }, (_, ordinal): Entry => {
    const name = `n${ordinal}`;
    if (ordinal === 0) return { kind: 'directory', path: '' };
    const dice = random(100);
    if (dice < 5) return { kind: 'directory', path: name };
    if (dice < 7) return { kind: 'link', name, first: 0 };
    if (dice < 9) return { kind: 'symlink', name };
    if (dice < 10) return { kind: 'special', name };
    if (dice < 11) return { kind: 'unreadable', name, errno: 'EACCES' };
    return { kind: 'file', name, bytes: size(random) };
  });
}

/** Most files, or all, are at the destination already. */
function withSame(random: Random, entries: Entry[], percent: number): Entry[] {
  return entries.map((entry) =>
    entry.kind === 'file' && random(100) < percent ? { ...entry, isSame: true } : entry,
  );
}

function withHugeFile(entries: Entry[], at: number, bytes: number): Entry[] {
  return entries.map((entry, ordinal) => (ordinal === at ? { kind: 'file', name: 'huge', bytes } : entry));
}

/** What is wrong with a plan: nothing, or sentences. */
function faultsOf(plan: Plan, entries: readonly Entry[]): string[] {
  const faults: string[] = [];
  const say = (isWrong: boolean, fault: string) => void (isWrong && faults.push(fault));
  const owners = entries.map(() => 0);
  const parts = new Map<number, [number, number][]>();
  let [ordinal, byte] = [0, 0];
  for (const [number, shard] of plan.shards.entries()) {
    say(shard.start.ordinal !== ordinal || shard.start.byte !== byte, `a gap before shard ${number}`);
    [ordinal, byte] = [shard.end.ordinal, shard.end.byte];
    const { from, to } = wholeEntriesOf(shard);
    say(shard.entries !== to - from, `shard ${number} counts ${shard.entries} entries of ${to - from}`);
    for (let own = from; own < to; own++) owners[own]!++;
    let bytes = entries.slice(from, to).reduce((sum, entry) => sum + bytesOf(entry), 0);
    for (const part of partsOf(shard)) {
      const size = bytesOf(entries[part.ordinal]!);
      const range: [number, number] = [part.from, part.to ?? size];
      bytes += range[1] - range[0];
      parts.set(part.ordinal, [...(parts.get(part.ordinal) ?? []), range]);
      say(size < 2 * plan.partBytes, `file ${part.ordinal} of less than two parts is divided`);
      say(part.from % plan.partBytes !== 0, `a part begins at ${part.from}`);
      say(part.to !== undefined && part.to % plan.partBytes !== 0, `a part ends at ${part.to}`);
      say(range[1] <= range[0], `an empty part of ${part.ordinal}`);
    }
    say(bytes !== shard.bytes, `shard ${number} counts ${shard.bytes} bytes of ${bytes}`);
  }
  say(ordinal !== entries.length || byte !== 0, 'the last shard ends before the tape');
  for (const [file, ranges] of parts) {
    const size = bytesOf(entries[file]!);
    const tiles =
      ranges.every(([from], i) => from === (ranges[i - 1]?.[1] ?? 0)) && ranges.at(-1)![1] === size;
    say(!tiles, `the parts of ${file} do not tile it`);
    owners[file]!++;
  }
  owners.forEach((count, entry) => void say(count !== 1, `entry ${entry} is in ${count} places`));
  const divided = [...dividedFiles(plan)].map(([file, shards]) => [file, shards.length]);
  const expected = [...parts].map(([file, ranges]) => [file, ranges.length]);
  say(JSON.stringify(divided) !== JSON.stringify(expected), 'dividedFiles disagrees with partsOf');
  for (const key of ['bytes', 'cost'] as const) {
    const sum = plan.shards.reduce((total, shard) => total + shard[key], 0);
    say(sum !== plan.totals[key], `shards have ${sum} ${key} of ${plan.totals[key]}`);
  }
  return faults;
}

describe('the cut', () => {
  test.each(Object.entries(distributions))('tiles the tape exactly with %s', (_, size) => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const entries = randomEntries(random, 1 + random(400), size);
      const plan = cutTape(layTape(entries), 1 + random(50));
      expect(faultsOf(plan, entries), `seed ${seed}`).toEqual([]);
    }
  });

  test('tiles the tape exactly when parts are larger than shards', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const entries = randomEntries(random, 1 + random(60), distributions['large files']!);
      const plan = cutTape(layTape(entries), 1 + random(2000), 256 * MiB);
      expect(faultsOf(plan, entries), `seed ${seed}`).toEqual([]);
    }
  });

  test.each(Object.entries(distributions))(
    'tiles the tape exactly where most costs nothing, with %s',
    (_, size) => {
      for (let seed = 1; seed <= 60; seed++) {
        const random = randomNumbers(seed);
        const all = randomEntries(random, 1 + random(400), size);
        const entries = withSame(random, all, [50, 90, 99, 100][random(4)]!);
        const plan = cutTape(layTape(entries), 1 + random(50));
        expect(faultsOf(plan, entries), `seed ${seed}`).toEqual([]);
        expect(
          plan.shards.every(({ cost }) => cost > 0),
          `seed ${seed}`,
        ).toBe(true);
      }
    },
  );

  test('puts what costs nothing at either end of the tape with its neighbours', () => {
    const same: Entry[] = Array.from({ length: 50 }, (__, i) => ({
      kind: 'file',
      name: `${i}`,
      bytes: 100,
      isSame: true,
    }));
    const left: Entry[] = [
      { kind: 'file', name: 'a', bytes: 5 },
      { kind: 'file', name: 'b', bytes: 5 },
    ];
    const entries = [...same, left[0]!, ...same, left[1]!, ...same];
    for (const wanted of [1, 2, 3, 7]) {
      const plan = cutTape(layTape(entries), wanted);
      expect(faultsOf(plan, entries)).toEqual([]);
      expect(plan.shards).toHaveLength(Math.min(2, wanted));
    }
    expect(cutTape(layTape(same), 3).shards).toEqual([]);
  });

  test.each(Object.entries(distributions))('balances shards within 1 %% with %s', (_, size) => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = randomNumbers(seed);
      const entries = randomEntries(random, 20_000, size);
      const plan = cutTape(layTape(entries), 2 + random(30));
      expect(imbalanceOf(plan), `seed ${seed}`).toBeLessThanOrEqual(1.01);
    }
  });

  test.each([0.0005, 0.25, 0.5, 0.9995])(
    'balances within 1 %% with one huge file at %d of the tape',
    (place) => {
      for (let seed = 1; seed <= 5; seed++) {
        const random = randomNumbers(seed);
        const small = randomEntries(random, 2000, distributions['small files']!);
        const entries = withHugeFile(small, Math.floor(place * small.length), 10 * 1024 * GiB + random(GiB));
        const plan = cutTape(layTape(entries), 64);
        expect(imbalanceOf(plan), `seed ${seed}`).toBeLessThanOrEqual(1.01);
        expect(faultsOf(plan, entries)).toEqual([]);
        expect([...dividedFiles(plan).values()].map((shards) => shards.length)[0]).toBeGreaterThanOrEqual(63);
      }
    },
  );

  test('finds the same place from any mark before it', () => {
    const random = randomNumbers(7);
    const tape = layTape(randomEntries(random, 500, distributions['large files']!));
    for (let round = 0; round < 200; round++) {
      const target = random(tape.totals.cost);
      const whole = cutNear(tape.start, tape.entries, target, 256 * MiB);
      const middle = cutNear(tape.start, tape.entries, target / 2, 2 ** 60);
      expect(cutNear(middle, tape.entries.slice(middle.ordinal), target, 256 * MiB)).toEqual(whole);
    }
  });

  test('falls on the nearer boundary of a file of less than two parts', () => {
    const tape = layTape([{ kind: 'file', name: 'a', bytes: 2 * MiB - 1 }]);
    const cut = (target: number) => cutNear(tape.start, tape.entries, target, MiB).ordinal;
    expect([
      cut(1),
      cut(tape.totals.cost / 2 - 1),
      cut(tape.totals.cost / 2 + 1),
      cut(tape.totals.cost),
    ]).toEqual([0, 0, 1, 1]);
  });

  test('falls inside a file of two parts', () => {
    const tape = layTape([{ kind: 'file', name: 'a', bytes: 2 * MiB }]);
    expect(cutNear(tape.start, tape.entries, tape.totals.cost / 2, MiB)).toMatchObject({
      ordinal: 0,
      byte: MiB,
    });
  });

  test('names the directory in force at each place', () => {
    const tape = layTape([
      { kind: 'directory', path: '' },
      { kind: 'file', name: 'a', bytes: 0 },
      { kind: 'directory', path: 'd' },
      { kind: 'file', name: 'b', bytes: 0 },
    ]);
    const halves = tape.entries.map((_, i) => cutNear(tape.start, tape.entries, i * (MiB / 2), MiB));
    expect(halves.map(({ directory, offset }) => [directory, offset])).toEqual([
      [0, 0],
      [0, 10],
      [20, 20],
      [20, 30],
    ]);
  });
});
