import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { costOf } from '../../../core/model/cost.ts';
import { bytesOf, type Entry } from '../../../core/model/entry.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { totalsOf } from '../../helpers/memory-tape.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';
import { makeRun, type RunFixture, writeTape } from '../../helpers/run-fixture.ts';

let run: RunFixture;
let reader: TapeReader | undefined;

afterEach(() => {
  reader?.close();
  reader = undefined;
  run.remove();
});

function open(entries: readonly Entry[]): TapeReader {
  run = makeRun(entries);
  reader = new TapeReader(run.paths);
  return reader;
}

/** Files, with some hundreds of them between two directories or links, and a stretch that is full of these. */
function fewForFinish(random: Random, count: number): Entry[] {
  const entries: Entry[] = [{ kind: 'directory', path: '' }];
  for (let i = 1; i < count; i++) {
    const isRare = random(i > 8000 && i < 10_000 ? 20 : 900) === 0;
    if (!isRare)
      entries.push({
        kind: 'file',
        name: `f${i}${strangeNames[random(strangeNames.length)]}`,
        bytes: random(99),
      });
    else if (random(2) === 0) entries.push({ kind: 'directory', path: `d${i}/x${'x'.repeat(random(3000))}` });
    else entries.push({ kind: 'link', name: `l${i}`, first: i - 1 });
  }
  return entries;
}

/** Reads a tape of one directory and this line. */
function openLine(line: string): TapeReader {
  const tape = open([{ kind: 'directory', path: '' }]);
  const text = readFileSync(run.paths.tape, 'utf8');
  writeFileSync(run.paths.tape, text.replace('{"type":"end"', `${line}\n{"type":"end"`));
  return tape;
}

const runDamaged = (message: RegExp | string) =>
  expect.objectContaining({ kind: 'runDamaged', message: expect.stringMatching(message) });

const strangeNames = [
  '\udcff',
  'a\nb',
  '"',
  "'",
  '\\',
  '\\n',
  '\t',
  '😀',
  'é',
  ' ',
  '-',
  '\u2028',
  '{"type":"end"}',
];
strangeNames.push(
  'x'.repeat(255),
  '\udce9'.repeat(255),
  '\u0001',
  '__proto__',
  '...',
  '.a',
  '["f"]',
  '\ufeff',
);

const strange: Entry[] = [
  { kind: 'directory', path: '' },
  ...strangeNames.flatMap((name, i): Entry[] => [
    { kind: 'file', name, bytes: 2 ** 53 - 1 - i },
    { kind: 'link', name, first: 1 },
    { kind: 'symlink', name },
    { kind: 'special', name },
    { kind: 'unreadable', name, errno: 'EACCES' },
    { kind: 'directory', path: `${name}/${name}` },
  ]),
  { kind: 'unreadable', name: '', errno: 'EIO' },
];

function randomTape(random: Random, count: number): Entry[] {
  return Array.from(
    { length: count },
    (_, i): Entry =>
      i === 0 || random(30) === 0
        ? { kind: 'directory', path: i === 0 ? '' : `d${i}/${'é'.repeat(random(40))}x` }
        : { kind: 'file', name: `f${i}${'\udcff'.repeat(random(3))}`, bytes: random(1e9) },
  );
}

describe('the tape', () => {
  test('gives back every entry with the strangest names', () => {
    const tape = open(strange);
    expect([...tape.entries(tape.marks[0]!)].map(({ entry }) => entry)).toEqual(strange);
  });

  test('gives each entry its path, its directory and where its line lies', () => {
    const entries = randomTape(randomNumbers(1), 3000);
    const tape = open(entries);
    const text = readFileSync(run.paths.tape);
    let [directory, next] = ['', text.indexOf(10) + 1];
    for (const placed of tape.entries(tape.marks[0]!)) {
      const { entry, offset, path } = placed;
      if (entry.kind === 'directory') directory = entry.path;
      expect(placed.directoryPath).toBe(directory);
      if (entry.kind === 'file')
        expect(path).toBe(directory === '' ? entry.name : `${directory}/${entry.name}`);
      expect(offset).toBe(next);
      next = placed.next;
    }
    expect(text.subarray(next).toString()).toBe(`{"type":"end","entries":3000}\n`);
  });

  test('has a mark for every 1024th entry, with what lies before it', () => {
    const entries = randomTape(randomNumbers(2), 5000);
    const tape = open(entries);
    expect(tape.marks.map(({ ordinal }) => ordinal)).toEqual([0, 1024, 2048, 3072, 4096]);
    for (const { ordinal, cost, bytes } of tape.marks) {
      const before = entries.slice(0, ordinal);
      expect(cost).toBe(before.reduce((sum, entry) => sum + costOf(entry), 0));
      expect(bytes).toBe(before.reduce((sum, entry) => sum + bytesOf(entry), 0));
    }
  });

  test('counts what was added', () => {
    run = makeRun();
    expect(writeTape(run.paths, strange).totals).toEqual(totalsOf(strange));
  });

  test('finds any entry, and any stretch of entries, as a walk from the beginning does', () => {
    const entries = randomTape(randomNumbers(3), 4000);
    const tape = open(entries);
    const all = [...tape.entries(tape.marks[0]!)];
    const random = randomNumbers(4);
    for (let round = 0; round < 200; round++) {
      const from = random(entries.length);
      const to = Math.min(entries.length, from + random(1500));
      expect(tape.at(from)).toEqual(all[from]);
      expect([...tape.between(from, to)]).toEqual(all.slice(from, to));
      expect([...tape.entries(all[from]!, to)]).toEqual(all.slice(from, to));
    }
  });

  test('is read backwards block by block, for directories and links, each block forwards', () => {
    const entries = randomTape(randomNumbers(5), 2500);
    const tape = open(entries);
    const all = [...tape.entries(tape.marks[0]!)];
    const blocks = [...tape.blocksBackwards()];
    expect(blocks.map(({ from, to }) => [from, to])).toEqual([
      [2048, 2500],
      [1024, 2048],
      [0, 1024],
    ]);
    const found = blocks.reverse().flatMap((block) => block.entries);
    expect(found).toEqual(all.filter(({ entry: { kind } }) => kind === 'directory' || kind === 'link'));
    expect(found.length).toBeGreaterThan(50);
  });

  test('is read so too where finish has little to do, and its index says where', () => {
    const random = randomNumbers(7);
    const entries = fewForFinish(random, 20_000);
    const tape = open(entries);
    const named = tape.marks.filter(({ ofFinish }) => ofFinish !== undefined);
    expect(named.length).toBeGreaterThan(10);
    expect(named.some(({ ofFinish }) => ofFinish!.length === 0)).toBe(true);
    expect(named.length).toBeLessThan(tape.marks.length);
    const found = [...tape.blocksBackwards()].reverse().flatMap((block) => block.entries);
    const all = [...tape.entries(tape.marks[0]!)];
    expect(found).toEqual(all.filter(({ entry: { kind } }) => kind === 'directory' || kind === 'link'));
  });

  test('is damaged where the index names a line that is another', () => {
    const tape = open(fewForFinish(randomNumbers(8), 5000));
    const { offset } = tape.at(1030);
    const text = readFileSync(run.paths.tapeIndex, 'utf8').split('\n');
    const mark = JSON.parse(text[2]!) as number[];
    text[2] = JSON.stringify([...mark.slice(0, 5), [6, offset - mark[1]!]]);
    writeFileSync(run.paths.tapeIndex, text.join('\n'));
    reader!.close();
    reader = new TapeReader(run.paths);
    expect(() => [...reader!.blocksBackwards()]).toThrow(runDamaged(/it ends before entry 2048/));
  });

  test('is never written over', () => {
    open([{ kind: 'directory', path: '' }]);
    expect(() => writeTape(run.paths, strange)).toThrow(/EEXIST/);
  });
});

describe('a tape that is not whole', () => {
  test.each([
    ['in the middle of a line', -25],
    ['without its end line', -`{"type":"end","entries":2000}\n`.length],
  ])('cut off %s is not read to its end in silence', (_, bytes) => {
    const tape = open(randomTape(randomNumbers(6), 2000));
    truncateSync(run.paths.tape, readFileSync(run.paths.tape).length + bytes);
    expect(() => [...tape.blocksBackwards()]).toThrow(runDamaged(/tape\.jsonl is damaged: it ends before/));
    expect(() => [...tape.entries(tape.marks[0]!)]).toThrow(runDamaged(/tape\.jsonl/));
  });

  test('misses the entries that are asked of it', () => {
    const tape = open(randomTape(randomNumbers(6), 2000));
    expect(() => [...tape.between(1990, 2001)]).toThrow(runDamaged(/it ends before entry 2001/));
    expect(() => tape.at(2000)).toThrow(runDamaged(/no entry 2000/));
    expect(() => [...tape.between(5000, 5001)]).toThrow(runDamaged(/tape\.index.*no mark for entry 5000/));
  });

  test('is named when it is missing', () => {
    run = makeRun();
    expect(() => new TapeReader(run.paths)).toThrow(runDamaged(/tape\.jsonl is damaged: ENOENT/));
  });

  test('of a newer format is refused', () => {
    run = makeRun();
    writeFileSync(run.paths.tape, '{"type":"tape","format":2}\n');
    expect(() => new TapeReader(run.paths)).toThrow(
      runDamaged(/tape\.jsonl has format 2, this bcopy knows format 1/),
    );
  });

  test('with a damaged index names the index and the line', () => {
    const tape = open(randomTape(randomNumbers(6), 2000));
    appendFileSync(run.paths.tapeIndex, '[2048,1]\n');
    expect(() => tape.marks).toThrow(runDamaged(/tape\.index line 4 is damaged: not a mark/));
  });
});

describe('a line of the tape', () => {
  test.each([
    ['["f","..",1]', 'proper name'],
    ['["f",".",1]', 'proper name'],
    ['["f","",1]', 'proper name'],
    ['["f","a/b",1]', 'proper name'],
    ['["f","/etc/passwd",1]', 'proper name'],
    ['["f","..\\u0000",1]', 'proper name'],
    ['["s","../x"]', 'proper name'],
    ['["l","/x",0]', 'proper name'],
    ['["x","..","EIO"]', 'proper name'],
    ['["d","../x"]', 'proper name'],
    ['["d","a/../../x"]', 'proper name'],
    ['["d","/etc"]', 'proper name'],
    ['["d","a//b"]', 'proper name'],
    ['["d","a/"]', 'proper name'],
    ['["d","."]', 'proper name'],
    ['["d",7]', 'proper name'],
    ['["f","a"]', 'unknown kind'],
    ['["f","a",-1]', 'unknown kind'],
    ['["f","a",1.5]', 'unknown kind'],
    ['["z","a"]', 'unknown kind'],
    ['["f","a",1', 'JSON'],
    ['garbage', 'JSON'],
  ])('%s is refused, and told with file and place', (line, why) => {
    const tape = openLine(line);
    const place = tape.marks[0]!.offset + '["d",""]\n'.length;
    expect(() => [...tape.entries(tape.marks[0]!)]).toThrow(
      runDamaged(new RegExp(`tape\\.jsonl at byte ${place} is damaged: .*${why}`)),
    );
  });
});
