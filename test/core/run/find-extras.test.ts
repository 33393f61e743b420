import { afterEach, expect, test } from 'vitest';
import type { Entry } from '../../../core/model/entry.ts';
import type { Candidate, ExtraStorage } from '../../../core/model/removal.ts';
import { findExtras } from '../../../core/run/find-extras.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

let run: RunFixture;
afterEach(() => run.remove());

const entries: readonly Entry[] = [
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'readme', bytes: 1 },
  { kind: 'directory', path: 'many' },
  ...Array.from({ length: 30_000 }, (_, i): Entry => ({ kind: 'symlink', name: `n${i}` })),
  { kind: 'directory', path: 'many/below' },
];

/** Of each directory these names are missing at the source. */
function storageWith(missing: ReadonlyMap<string, readonly string[]>, same: readonly string[] = []) {
  const storage: ExtraStorage = {
    *candidates(directory) {
      const names = missing.get(directory) ?? [];
      for (let at = 0; at < names.length; at += 1000)
        yield names.slice(at, at + 1000).map((path): Candidate => ({ path, kind: 'directory' }));
    },
    isStillExtra: () => true,
    isSameName: (path, other) => same.includes(`${path} ${other}`),
    *extrasAt(candidate) {
      yield { ...candidate, entries: 1, bytes: 0 };
    },
  };
  return storage;
}

function found(storage: ExtraStorage, from = 0, to = entries.length, taped = entries) {
  run = makeRun(taped);
  const tape = new TapeReader(run.paths);
  try {
    return [...findExtras(tape, { from, to }, storage)].flatMap((one) => one?.path ?? []);
  } finally {
    tape.close();
  }
}

test('finds names that are not on the tape, however many there are', () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `many/n${i}`);
  const extra = Array.from({ length: 15_000 }, (_, i) => `many/x${i}`);
  const missing = new Map([['many', [...names, ...extra, 'many/below']]]);
  expect(found(storageWith(missing)).sort()).toEqual([...extra].sort());
});

test('looks only at directories whose lines are in the range', () => {
  const missing = new Map([
    ['', ['x']],
    ['many', ['many/x']],
  ]);
  expect(found(storageWith(missing), 2, entries.length)).toEqual(['many/x']);
});

test.each([
  ['straße', 'STRASSE'],
  ['GRO\u1e9e', 'gross'],
  ['\u00e9t\u00e9', 'E\u0301te\u0301'],
  ['σοφός', 'ΣΟΦΌΣ'],
  ['soft', 'so\u00adft'],
  ['ended.', 'ended'],
  ['ended. .', 'Ended'],
  ['ﬁne', 'fine'],
])('takes %s for %s where the file system does', (onTape, shown) => {
  const storage = storageWith(new Map([['', [shown]]]), [`${shown} ${onTape}`]);
  const tape: Entry[] = [
    { kind: 'directory', path: '' },
    { kind: 'file', name: onTape, bytes: 1 },
  ];
  expect(found(storage, 0, 2, tape)).toEqual([]);
  run.remove();
  expect(found(storageWith(new Map([['', [shown]]])), 0, 2, tape)).toEqual([shown]);
});

test('passes over what is gone before it was looked into, and tells what is in the way', () => {
  const causes = new Map([
    ['gone', 'ENOENT'],
    ['closed', 'EACCES'],
  ]);
  const storage = {
    ...storageWith(new Map([['', [...causes.keys(), 'old']]])),
    *extrasAt(candidate: Candidate) {
      const cause = causes.get(candidate.path);
      if (cause !== undefined) throw Object.assign(new Error(), { cause, action: 'open' });
      yield { ...candidate, entries: 1, bytes: 0 };
    },
  };
  expect(found(storage)).toEqual(['closed', 'old']);
});

test('takes a name that differs by case for another, unless the file system does not', () => {
  const missing = new Map([['', ['README', 'MANY']]]);
  expect(found(storageWith(missing))).toEqual(['README', 'MANY']);
  run.remove();
  expect(found(storageWith(missing, ['README readme', 'MANY many']))).toEqual([]);
});
