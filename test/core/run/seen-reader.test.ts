import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { Entry } from '../../../core/model/entry.ts';
import { toBytes } from '../../../core/model/names.ts';
import { type SeenEntries, seenStates, wordsPerStamp } from '../../../core/model/seen-entries.ts';
import type { Stamp } from '../../../core/model/stamp.ts';
import { SeenReader } from '../../../core/run/seen-reader.ts';
import { TapeChunk } from '../../../core/run/tape-chunk.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { TapeWriter } from '../../../core/run/tape-writer.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

const seed = Number(process.env.TAPE_SEED ?? Math.floor(Math.random() * 1e6));
const reader = new SeenReader();
let run: RunFixture;
let tape: TapeReader;

afterEach(() => {
  tape.close();
  run.remove();
});

type Written = { readonly entry: Exclude<Entry, { kind: 'special' }>; readonly stamp?: Stamp | undefined };

/** Writes a tape as the scan does: from bytes, chunk by chunk. Links are further names of the second entry. */
function write(written: readonly Written[]): void {
  run = makeRun();
  const writer = new TapeWriter(run.paths);
  const chunk = new TapeChunk();
  for (const one of written) give(chunk, one);
  writer.addChunk(chunk, () => 1);
  writer.close();
  tape = new TapeReader(run.paths);
}

function give(chunk: TapeChunk, { entry, stamp }: Written): void {
  const name = Buffer.concat([toBytes(entry.kind === 'directory' ? '' : entry.name), Buffer.alloc(1)]);
  if (entry.kind === 'directory') chunk.directory(entry.path);
  else if (entry.kind === 'symlink') chunk.symlink(name, 0);
  else if (entry.kind === 'unreadable') chunk.unreadable(name, 0, entry.errno);
  else chunk.file(name, 0, entry.kind === 'file' ? entry.bytes : 0, stamp);
  if (entry.kind === 'link') chunk.severalNames({ device: '1:1', inodeLow: 1, inodeHigh: 0, names: 2 });
}

const plain: Stamp = { mtimeSeconds: 1, mtimeNanoseconds: 2, mode: 0o644, uid: 3, gid: 4 };
const sizes = [0, 9, 10, 99, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1];
const seconds = [0, 9, 10, 1_700_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 34, -1, -10, -(2 ** 31), -(2 ** 33)];
const ids = [0, 10, 65_534, 2 ** 31 - 1, 2 ** 32 - 2];
const oddNames = ['"', '\\', 'a\nb', '\udcff', '\u0001', 'é', '😀', ' ', '-', '{', '["f"]', 'x'.repeat(255)];

function randomEntry(random: Random, i: number): Written {
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  const name = random(4) === 0 ? `${pick(oddNames).slice(0, 250)}${i}`.slice(-255) : `name-${i}`;
  const stamp: Stamp = {
    mtimeSeconds: pick(seconds),
    mtimeNanoseconds: random(2) * random(1e9),
    mode: random(0o10000),
    uid: pick(ids),
    gid: pick(ids),
  };
  const kind = random(40);
  if (i === 0 || kind === 0) return { entry: { kind: 'directory', path: i === 0 ? '' : `d${i}/é"` } };
  if (i > 1 && kind === 1) return { entry: { kind: 'link', name, first: 1 }, stamp };
  if (kind === 2) return { entry: { kind: 'symlink', name } };
  if (kind === 3) return { entry: { kind: 'unreadable', name, errno: 'EIO' } };
  return { entry: { kind: 'file', name, bytes: pick(sizes) }, stamp: kind === 4 ? undefined : stamp };
}

function stampOf({ stamps }: SeenEntries, i: number): Stamp & { readonly bytes: number } {
  const word = (at: number) => stamps[i * wordsPerStamp + at]!;
  return {
    bytes: word(4) * 2 ** 32 + word(3),
    mtimeSeconds: (word(6) | 0) * 2 ** 32 + word(5),
    mtimeNanoseconds: word(7),
    mode: word(0),
    uid: word(1),
    gid: word(2),
  };
}

function nameOf({ text, names }: SeenEntries, i: number): Uint8Array {
  return Uint8Array.from(text.subarray(names[i], text.indexOf(0, names[i])));
}

/** What must be read of an entry: names that JSON writes otherwise are left. */
function stateOf({ entry, stamp }: Written): number {
  if (entry.kind === 'directory' || entry.kind === 'link') return seenStates.passed;
  const isPlain = entry.kind === 'file' && !JSON.stringify(entry.name).includes('\\');
  return isPlain && stamp !== undefined ? seenStates.stamped : seenStates.left;
}

/** The path of the directory that each entry is in; that of a directory is its own. */
function pathsOf(written: readonly Written[]): string[] {
  let path = '';
  return written.map(({ entry }) => {
    if (entry.kind === 'directory') path = entry.path;
    return path;
  });
}

function expectSeen(seen: SeenEntries, written: readonly Written[], paths: readonly string[]): void {
  const [from, to] = [seen.from, seen.from + seen.count];
  expect([...seen.states.subarray(0, seen.count)]).toEqual(written.slice(from, to).map(stateOf));
  const inForce = seen.directories.flatMap(({ path, from, to }) =>
    Array.from({ length: to - from }, () => path),
  );
  expect(inForce).toEqual(paths.slice(from, to));
  const ofStamped = <T>(make: (i: number) => T): T[] =>
    Array.from({ length: seen.count }, (_, i) => i).flatMap((i) =>
      seen.states[i] === seenStates.stamped ? [make(i)] : [],
    );
  const wanted = ofStamped(
    (i) => written[from + i]! as { entry: Extract<Entry, { kind: 'file' }>; stamp: Stamp },
  );
  expect(ofStamped((i) => Buffer.from(nameOf(seen, i)).toString('latin1'))).toEqual(
    wanted.map(({ entry }) => toBytes(entry.name)).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  expect(ofStamped((i) => stampOf(seen, i))).toEqual(
    wanted.map(({ entry, stamp }) => ({ ...stamp, bytes: entry.bytes })),
  );
  expect(ofStamped((i) => seen.bytes[i])).toEqual(wanted.map(({ entry }) => entry.bytes));
}

test(`entries come as they were written, from wherever to wherever (TAPE_SEED=${seed})`, () => {
  const random = randomNumbers(seed);
  const written = Array.from({ length: 3000 }, (_, i) => randomEntry(random, i));
  if (written[1]!.entry.kind !== 'file') written[1] = { entry: { kind: 'file', name: 'first', bytes: 0 } };
  write(written);
  const paths = pathsOf(written);
  for (let round = 0; round < 12; round++) {
    const from = round === 0 ? 0 : random(written.length);
    const to = round === 0 ? written.length : from + random(written.length - from) + 1;
    expectSeen(reader.read(tape.seenRequest(from, to)), written, paths);
  }
  // The other reader passes over stamps
  const entries = [...tape.between(0, written.length)].map(({ entry }) => entry);
  expect(entries).toEqual(written.map(({ entry }) => entry));
});

test.each([
  ['a name that leads elsewhere', '["f","a/b",1,[1,2,420,0,0]]'],
  ['no name', '["f","",1,[1,2,420,0,0]]'],
  ['a stamp that is cut off', '["f","a",1,[1,2,420,0'],
  ['a stamp with more in it', '["f","a",1,[1,2,420,0,0,0]]'],
  ['a stamp of texts', '["f","a",1,["1","2","420","0","0"]]'],
  ['no size', '["f","a",[1,2,420,0,0]]'],
  ['a size beyond what can be counted', '["f","a",9007199254740993,[1,2,420,0,0]]'],
  ['a directory that is none', '["d",1]'],
  ['nonsense', 'f f f'],
])('%s is left to who reads it as ever', (_, line) => {
  write([
    { entry: { kind: 'directory', path: '' } },
    { entry: { kind: 'file', name: 'a', bytes: 1 }, stamp: plain },
  ]);
  const text = readFileSync(run.paths.tape, 'utf8').split('\n');
  writeFileSync(run.paths.tape, `${[...text.slice(0, 3), line].join('\n')}\n`);
  appendFileSync(run.paths.tape, '["f","after",1]\n');
  const seen = reader.read(tape.seenRequest(0, 4));
  expect([...seen.states.subarray(0, 4)]).toEqual([
    seenStates.passed,
    seenStates.stamped,
    seenStates.left,
    seenStates.left,
  ]);
});

test('what a tape ends before is left', () => {
  write([
    { entry: { kind: 'directory', path: '' } },
    { entry: { kind: 'file', name: 'a', bytes: 1 }, stamp: plain },
  ]);
  const seen = reader.read({ ...tape.seenRequest(0, 2), to: 5, end: undefined });
  expect([...seen.states.subarray(1, 5)]).toEqual([
    seenStates.stamped,
    seenStates.left,
    seenStates.left,
    seenStates.left,
  ]);
});
