import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Plan } from '../../core/model/plan.ts';
import { JournalWriter } from '../../core/run/journal-writer.ts';
import { lookedRanges } from '../../core/run/looked-file.ts';
import { type RunPaths, scanAttempt } from '../../core/run/run-paths.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';

/** So many lines are synced together. */
const linesAtOnce = 1000;

/** Writes what the scan has found at the destination into the journals of the shards: a worker passes over it. */
export async function recordLooked(paths: RunPaths, run: string, plan: Plan): Promise<void> {
  const tape = new TapeReader(paths);
  let journal:
    | {
        readonly shard: number;
        readonly writer: JournalWriter;
        lines: Parameters<JournalWriter['append']>[0][number][];
      }
    | undefined;
  const end = async () => {
    await journal?.writer.append(journal.lines);
    await journal?.writer.end('complete');
  };
  try {
    for (const { shard, range } of lookedRanges(paths, plan, tape)) {
      if (journal?.shard !== shard) {
        await end();
        journal = { shard, writer: await begin(paths, run, shard), lines: [] };
      }
      journal.lines.push({ type: 'done', ...range });
      if (journal.lines.length < linesAtOnce) continue;
      await journal.writer.append(journal.lines);
      journal.lines = [];
    }
    await end();
  } finally {
    tape.close();
  }
  await rm(paths.looked);
}

function begin(paths: RunPaths, run: string, shard: number): Promise<JournalWriter> {
  const name = { shard, attempt: scanAttempt, restart: 0, host: hostname(), pid: process.pid };
  return JournalWriter.create(paths, run, name, 'scan');
}
