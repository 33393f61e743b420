import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../../core/model/entry.ts';
import { emptyTally } from '../../core/model/outcome.ts';
import type { Plan } from '../../core/model/plan.ts';
import type { JournalHeader, JournalLine } from '../../core/run/journal-lines.ts';
import { type JournalName, RunPaths } from '../../core/run/run-paths.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';
import { TapeWriter } from '../../core/run/tape-writer.ts';
import { cutTape, layTape } from './memory-tape.ts';

/** A run directory with a tape; removed by `remove`, with the directory it is in. */
export type RunFixture = { readonly paths: RunPaths; readonly top: string; readonly remove: () => void };

export function makeRun(entries: readonly Entry[] = []): RunFixture {
  const top = mkdtempSync(join(tmpdir(), 'bcopy-run-'));
  const paths = new RunPaths(`${top}/.bcopy/r`);
  for (const directory of [paths.root, paths.journals, paths.attempts])
    mkdirSync(directory, { recursive: true });
  if (entries.length > 0) writeTape(paths, entries);
  return { paths, top, remove: () => rmSync(top, { recursive: true, force: true }) };
}

export function writeTape(paths: RunPaths, entries: readonly Entry[]): TapeWriter {
  const tape = new TapeWriter(paths);
  for (const entry of entries) tape.add(entry);
  tape.close();
  return tape;
}

/** Cuts the tape of a run into shards that can be read from it. */
export function planRun(
  paths: RunPaths,
  entries: readonly Entry[],
  shards: number,
  partBytes?: number,
): Plan {
  const plan = cutTape(layTape(entries), shards, partBytes);
  const tape = new TapeReader(paths);
  const placed = [...tape.between(0, entries.length)];
  tape.close();
  // The lines of a tape in memory have another length
  const real = ({ ordinal, byte }: { ordinal: number; byte: number }) => {
    const { offset, directory } = placed[ordinal] ?? { ...placed.at(-1)!, offset: placed.at(-1)!.next };
    return { ordinal, byte, offset, directory };
  };
  return {
    ...plan,
    shards: plan.shards.map((shard) => ({ ...shard, start: real(shard.start), end: real(shard.end) })),
  };
}

export function journalName(shard: JournalName['shard'], attempt = 1, restart = 0, pid = 7): JournalName {
  return { shard, attempt, restart, host: 'node1', pid };
}

export function headerLine(name: JournalName): JournalLine {
  const job = `10${name.attempt}_${name.shard}`;
  return { type: 'journal', format: 1, run: 'r', ...name, job, startedAt: '2026-01-02T03:04:05.000Z' };
}

/** Writes a journal as a worker would: a header, then these lines. `more` is what else the header has. */
export function writeJournal(
  paths: RunPaths,
  name: JournalName,
  lines: readonly JournalLine[],
  more: Partial<JournalHeader> = {},
): string {
  const file = paths.journal(name);
  const header = { ...headerLine(name), ...more };
  writeFileSync(file, [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

type Done = Extract<JournalLine, { type: 'done' }>;

export function done(
  from: number,
  to: number,
  tallies: Partial<Pick<Done, 'copied' | 'skipped' | 'linked'>>,
): Done {
  return {
    type: 'done',
    from,
    to,
    copied: emptyTally(),
    skipped: emptyTally(),
    linked: emptyTally(),
    ...tallies,
  };
}

export function failed(ordinal: number, bytes: number, cause = 'EACCES'): JournalLine {
  const [path, action] = [`e${ordinal}`, 'open source'];
  return { type: 'entry', ordinal, outcome: 'failed', path, bytes, cause, action };
}

export function vanished(ordinal: number, bytes: number): JournalLine {
  const [path, action, cause] = [`e${ordinal}`, 'open source', 'ENOENT'];
  return { type: 'entry', ordinal, outcome: 'vanished', path, bytes, cause, action };
}
