import { openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Entry } from '../../../core/model/entry.ts';
import { LineWriter } from '../../../core/run/lines.ts';
import { LookedWriter } from '../../../core/run/looked-file.ts';
import { TapeChunk } from '../../../core/run/tape-chunk.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { TapeWriter } from '../../../core/run/tape-writer.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

/** Set to see one failure again. */
const onlySeed = Number(process.env.TAPE_MARKS_SEED ?? 0);

const runs: RunFixture[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) run.remove();
});

/** What the scan has seen: an entry, with the inode of a file that has two names. */
type Seen = { readonly entry: Exclude<Entry, { kind: 'link' }>; readonly inode?: number };

type Mixture = {
  /** Of 1000 entries, and of 1000 directories, so many are not the same. */
  readonly left: number;
  readonly other: number;
  readonly entriesPerDirectory: number;
  readonly nameLength: number;
};

const end = ['', '"', '\\', 'é', '\udcff', '😀', '",1', ']'];

function randomSeen(random: Random, path: string, depth: number, mixture: Mixture): Seen[] {
  const { left, other, entriesPerDirectory, nameLength } = mixture;
  const same = random(1000) >= other ? ({ isSame: true } as const) : {};
  const seen: Seen[] = [{ entry: { kind: 'directory', path, ...same } }];
  for (let i = random(entriesPerDirectory + 1); i > 0; i--) {
    const name = `${i}${end[random(end.length)]}${'x'.repeat(random(nameLength))}`;
    const isSame = random(1000) >= left ? ({ isSame: true } as const) : {};
    const inode = random(30) === 0 ? { inode: random(5) } : {};
    if (random(4) > 0) seen.push({ entry: { kind: 'file', name, bytes: random(3000), ...isSame }, ...inode });
    else if (random(1000) >= left) seen.push({ entry: { kind: 'symlink', name, ...isSame } });
    else if (random(2) === 0) seen.push({ entry: { kind: 'special', name } });
    else seen.push({ entry: { kind: 'unreadable', name, errno: 'EACCES' } });
  }
  for (let i = depth > 0 ? random(6) : 0; i > 0; i--) {
    const name = `d${i}${end[random(end.length)]}${'y'.repeat(random(nameLength))}`;
    seen.push(...randomSeen(random, path === '' ? name : `${path}/${name}`, depth - 1, mixture));
  }
  return seen;
}

const parentOf = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');

/** What is to be on the tape, by hand: further names are links, and a directory that is touched has no mark. */
function expectedOf(seen: readonly Seen[]): Entry[] {
  const firsts = new Map<number, number>();
  const touched = new Set<string>();
  let directory = '';
  const entries = seen.map(({ entry, inode }, ordinal): Entry => {
    if (entry.kind === 'directory') {
      if (!entry.isSame && entry.path !== '') touched.add(parentOf(entry.path));
      directory = entry.path;
      return entry;
    }
    const first = inode === undefined ? undefined : firsts.get(inode);
    if (inode !== undefined && first === undefined) firsts.set(inode, ordinal);
    const isLeft = first !== undefined || !('isSame' in entry);
    if (isLeft) touched.add(directory);
    return first === undefined ? entry : { kind: 'link', name: entry.name, first };
  });
  return entries.map((entry) =>
    entry.kind === 'directory' && touched.has(entry.path) ? { kind: 'directory', path: entry.path } : entry,
  );
}

/** The same in chunks, as threads give them: cut anywhere, and many marks come only to be taken back. */
function* chunksOf(seen: readonly Seen[], random: Random, entriesAtMost: number): Generator<TapeChunk> {
  for (let [from, to] = [0, 0]; from < seen.length; from = to) {
    const chunk = new TapeChunk();
    const back: number[] = [];
    to = from + 1 + random(entriesAtMost);
    for (const one of seen.slice(from, to)) {
      put(chunk, one);
      if ('isSame' in one.entry) chunk.same();
      else if (random(3) === 0 && ['directory', 'file', 'symlink'].includes(one.entry.kind))
        back.push(chunk.same());
    }
    for (const index of back) chunk.notSame(index);
    yield chunk;
  }
}

function put(chunk: TapeChunk, { entry, inode }: Seen): void {
  if (entry.kind === 'directory') {
    chunk.directory(entry.path);
    return;
  }
  const name = nameOf(entry.name);
  if (entry.kind === 'file') chunk.file(name, 0, entry.bytes);
  else if (entry.kind === 'symlink') chunk.symlink(name, 0);
  else if (entry.kind === 'special') chunk.special(name, 0);
  else chunk.unreadable(name, 0, entry.errno);
  if (inode !== undefined && entry.kind === 'file')
    chunk.severalNames({ device: '1', inodeLow: inode, inodeHigh: 0, names: 2 });
}

const nameOf = (name: string) =>
  Buffer.concat(
    [...name].map((char) => (char === '\udcff' ? Buffer.of(0xff) : Buffer.from(char))).concat(Buffer.of(0)),
  );

/** Writes them; without `looked` no mark of a directory is taken back. */
function write(chunks: Iterable<TapeChunk>, isLooked: boolean) {
  const run = makeRun();
  runs.push(run);
  const looked = isLooked ? new LookedWriter(run.paths) : undefined;
  const tape = new TapeWriter(run.paths, looked);
  const firsts = new Map<number, number>();
  for (const chunk of chunks)
    tape.addChunk(chunk, ({ inodeLow }, ordinal) => {
      const first = firsts.get(inodeLow);
      if (first === undefined) firsts.set(inodeLow, ordinal);
      return first;
    });
  tape.close();
  looked?.close();
  return { paths: run.paths, totals: tape.totals, end: tape.end };
}

describe('marks of directories on a tape', () => {
  test.each<[string, Mixture, entriesAtMost: number]>([
    [
      'of small directories, several in a chunk',
      { left: 30, other: 30, entriesPerDirectory: 3, nameLength: 5 },
      200,
    ],
    [
      'of large ones, each in several chunks',
      { left: 3, other: 30, entriesPerDirectory: 300, nameLength: 20 },
      40,
    ],
    [
      'whose chunks are larger than what is written at once',
      { left: 2, other: 20, entriesPerDirectory: 60, nameLength: 200 },
      2000,
    ],
    ['where all are the same', { left: 0, other: 0, entriesPerDirectory: 20, nameLength: 5 }, 100],
    ['where none is', { left: 500, other: 1000, entriesPerDirectory: 5, nameLength: 5 }, 100],
  ])('go where something is put into them, and nothing else changes: %s', (_, mixture, entriesAtMost) => {
    const seeds = onlySeed > 0 ? [onlySeed] : Array.from({ length: 6 }, (__, i) => i + 1);
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      const seen = randomSeen(random, '', 5, mixture);
      const chunks = [...chunksOf(seen, random, entriesAtMost)];
      const [looked, plain] = [write(chunks, true), write(chunks, false)];
      const reader = new TapeReader(looked.paths);
      const entries = [...reader.between(0, seen.length)].map(({ entry }) => entry);
      reader.close();
      expect(entries, `TAPE_MARKS_SEED=${seed}`).toEqual(expectedOf(seen));
      expect([looked.totals, looked.end]).toEqual([plain.totals, plain.end]);
      expect(readFileSync(looked.paths.tapeIndex)).toEqual(readFileSync(plain.paths.tapeIndex));
      const unmarked = (text: string) => text.replace(/^(\["d",.*),[01]\]$/gm, '$1,-]');
      const [one, other] = [looked, plain].map(({ paths }) => readFileSync(paths.tape, 'utf8'));
      expect(unmarked(one!)).toBe(unmarked(other!));
      for (const run of runs.splice(0)) run.remove();
    }
  });

  test('go in the chunk, in what waits to be written, and in what was written megabytes ago', () => {
    const directory = (path: string): Seen => ({ entry: { kind: 'directory', path, isSame: true } });
    const files = (count: number): Seen[] =>
      Array.from({ length: count }, (_, i) => ({
        entry: { kind: 'file', name: `${i}${'x'.repeat(200)}`, bytes: 1, isSame: true },
      }));
    const left: Seen = { entry: { kind: 'file', name: 'left', bytes: 1 } };
    const seen = [
      directory(''),
      ...files(10_000),
      directory('written'),
      ...files(10_000),
      left,
      directory('waiting'),
      ...files(20),
      left,
      directory('kept'),
      ...files(600),
      directory('here'),
      left,
      { entry: { kind: 'directory', path: 'new' } } as const,
    ];
    const chunks = [...chunksOf(seen, () => 0, 1)].length;
    expect(chunks).toBe(seen.length);
    const { paths } = write(
      chunksOf(seen, () => 0, 1),
      true,
    );
    const marks = readFileSync(paths.tape, 'utf8').match(/^\["d".*/gm);
    expect(marks).toEqual([
      '["d","",0]',
      '["d","written",0]',
      '["d","waiting",0]',
      '["d","kept",1]',
      '["d","here",0]',
      '["d","new",0]',
    ]);
  });
});

describe('a writer of lines', () => {
  test('puts another byte in the place of one, wherever that is by now', () => {
    const path = join(tmpdir(), `bcopy-lines-${process.pid}`);
    try {
      const random = randomNumbers(11);
      const lines = new LineWriter(openSync(path, 'wx'));
      let expected = Buffer.alloc(0);
      for (let i = 0; i < 400; i++) {
        const line = Buffer.from(`${'é'.repeat(random(700))}\n`);
        if (random(2) === 0) lines.add(line.toString());
        else lines.addBytes(line);
        expected = Buffer.concat([expected, line]);
        const at = random(4) === 0 ? random(expected.length) : expected.length - 1 - random(line.length);
        lines.patch(at, 0x30);
        expected[at] = 0x30;
        expect(lines.offset).toBe(expected.length);
      }
      lines.flush();
      expect(expected.length).toBeGreaterThan(3 * 65_536);
      expect(readFileSync(path).equals(expected)).toBe(true);
    } finally {
      rmSync(path);
    }
  });
});
