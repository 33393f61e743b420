import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalLine } from '../../../core/run/journal-lines.ts';
import { isSuperseded, listJournals, readJournal } from '../../../core/run/journal-reader.ts';
import { JournalWriter } from '../../../core/run/journal-writer.ts';
import {
  done,
  failed,
  headerLine,
  journalName,
  makeRun,
  type RunFixture,
  vanished,
  writeJournal,
} from '../../helpers/run-fixture.ts';

let run: RunFixture;
beforeEach(() => {
  run = makeRun();
});
afterEach(() => run.remove());

const tally = (entries: number, bytes: number) => ({ entries, bytes });
const lines: JournalLine[] = [
  done(0, 4, { copied: tally(3, 30) }),
  { ...failed(4, 5), path: 'a\nb\udcff"{"type":"journal"' } as JournalLine,
  vanished(5, 6),
  { type: 'part', ordinal: 6, from: 0, to: 5, version: '9:1.0:1.0:3', temporary: '12', same: false },
  { type: 'note', note: 'owner not kept', entries: 3 },
];

const read = (file: string) => [...readJournal(file)];
const runDamaged = (message: RegExp) =>
  expect.objectContaining({ kind: 'runDamaged', message: expect.stringMatching(message) });

describe('a journal', () => {
  test('gives back what was written, with its header and its end', async () => {
    const writer = await JournalWriter.create(run.paths, 'r', journalName(3), '12_3');
    await writer.append(lines as Parameters<typeof writer.append>[0]);
    await writer.append([]);
    await writer.end('failures');
    const [header, ...rest] = read(run.paths.journal(journalName(3)));
    expect(header).toMatchObject({ type: 'journal', format: 1, run: 'r', shard: 3, job: '12_3', pid: 7 });
    expect(rest.slice(0, -1)).toEqual(lines);
    expect(rest.at(-1)).toMatchObject({ type: 'end', reason: 'failures' });
  });

  test('is read up to its last whole line, wherever it was torn', () => {
    const file = writeJournal(run.paths, journalName(0), lines);
    const whole = readFileSync(file);
    const all = [headerLine(journalName(0)), ...lines];
    for (let length = whole.length; length >= 0; length -= 3) {
      truncateSync(file, length);
      const ends = whole.subarray(0, length).filter((byte) => byte === 10).length;
      expect(read(file)).toEqual(all.slice(0, ends));
    }
  });

  test.each([10, 200, 350])('goes on after a successor has the same file, torn at byte %d', (length) => {
    const name = journalName(0);
    const file = writeJournal(run.paths, name, lines);
    const before = readFileSync(file).subarray(0, length);
    truncateSync(file, length);
    appendFileSync(file, `${JSON.stringify(headerLine(name))}\n${JSON.stringify(lines[0])}\n`);
    const kept = before.filter((byte) => byte === 10).length;
    const expected = [headerLine(name), ...lines].slice(0, kept);
    expect(read(file)).toEqual([...expected, headerLine(name), lines[0]]);
  });

  test.each([
    ['garbage', 'garbage'],
    ['half a line', '{"type":"done","from":1,'],
    ['an unknown type', '{"type":"poem"}'],
    ['a negative count', '{"type":"note","note":"x","entries":-1}'],
    [
      'another kind of outcome',
      '{"type":"entry","ordinal":1,"outcome":"lost","path":"","bytes":0,"cause":"","action":""}',
    ],
  ])('with %s in its middle is refused with file and line', (_, text) => {
    const name = journalName(0);
    const file = run.paths.journal(name);
    const good = lines.map((line) => JSON.stringify(line));
    writeFileSync(file, [JSON.stringify(headerLine(name)), good[0], text, ...good, ''].join('\n'));
    expect(() => read(file)).toThrow(runDamaged(/0\.1-0-node1-7\.jsonl line 3 is damaged: /));
  });

  test('of a newer format is refused, whatever else it holds', () => {
    const file = run.paths.journal(journalName(0));
    const header = { ...headerLine(journalName(0)), format: 2, more: true };
    writeFileSync(file, `${JSON.stringify(header)}\n{"type":"poem"}\n`);
    expect(() => read(file)).toThrow(runDamaged(/has format 2, this bcopy knows format 1/));
  });

  test('is readable by its owner alone', async () => {
    const { statSync } = await import('node:fs');
    const writer = await JournalWriter.create(run.paths, 'r', journalName(3), '12_3');
    await writer.end('complete');
    expect(statSync(run.paths.journal(journalName(3))).mode & 0o777).toBe(0o600);
  });
});

describe('the journals of a run', () => {
  test('come in the order of attempts and restarts, and nothing else comes with them', async () => {
    for (const [attempt, restart] of [
      [10, 0],
      [2, 11],
      [2, 2],
      [1, 0],
    ] as const)
      writeJournal(run.paths, journalName(0, attempt, restart), []);
    writeFileSync(`${run.paths.journals}/notes.txt`, 'x');
    writeFileSync(`${run.paths.journals}/0.1-0-node1-7.jsonl.swp`, 'x');
    const order = (await listJournals(run.paths)).map(({ name }) => [name.attempt, name.restart]);
    expect(order).toEqual([
      [1, 0],
      [2, 2],
      [2, 11],
      [10, 0],
    ]);
  });

  test.each([
    ['a later attempt', journalName(0, 2, 0), true],
    ['a later restart', journalName(0, 1, 2), true],
    ['an earlier restart', journalName(0, 1, 0), false],
    ['another process of the same restart', journalName(0, 1, 1, 99), false],
    ['a later attempt on another shard', journalName(1, 2, 0), false],
    ['a later finish', journalName('finish', 2, 0), false],
  ])('tell a worker about %s', async (_, other, expected) => {
    writeJournal(run.paths, journalName(0, 1, 1), []);
    writeJournal(run.paths, other, []);
    expect(await isSuperseded(run.paths, journalName(0, 1, 1))).toBe(expected);
  });
});
