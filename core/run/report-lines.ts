import { type Account, accountRows } from '../model/account.ts';
import { formatBytes, formatCount, formatDuration } from '../model/units.ts';
import type { Attempt } from './attempt-file.ts';
import { journalsOfAttempt, paceOfAttempt } from './pace.ts';
import type { ReportFacts } from './report.ts';
import type { JournalSummary } from './shard-state.ts';

/** The books as a table; nothing is left out, so that the sums can be checked by eye. */
export function accountLines(account: Account, names = accountRows): string[] {
  const row = (name: string, entries: string, bytes: string) =>
    `${name.padEnd(12)} ${entries.padStart(15)} ${bytes.padStart(22)}`;
  const rows = names.map(([name, key]) =>
    row(name, formatCount(account[key].entries), formatCount(account[key].bytes)),
  );
  return [row('', 'entries', 'bytes'), ...rows];
}

/** How long the tasks of an attempt took. */
export function timeLines({ state, attempt }: ReportFacts): string[] {
  const pace = paceOfAttempt(state, attempt.attempt);
  if (pace === undefined) return ['elapsed      no task of this attempt has run'];
  const journals = journalsOfAttempt(state, attempt.attempt);
  const slowest = journals.reduce((a, b) => (elapsedOf(b) > elapsedOf(a) ? b : a));
  const [start, end] = [
    new Date(pace.startedAt).toISOString(),
    new Date(pace.startedAt + pace.elapsedMs).toISOString(),
  ];
  const rate = `rate         ${formatBytes(pace.bytesPerSecond)}/s, ${formatCount(pace.entriesPerSecond)} entries/s`;
  return [
    `elapsed      ${formatDuration(pace.elapsedMs)} (${start} to ${end})`,
    ...((attempt.phase ?? 'copy') === 'copy' ? [rate] : []),
    `slowest      shard ${slowest.shard} (task ${slowest.job} on ${slowest.name.host}): ${formatDuration(elapsedOf(slowest))}`,
  ];
}

function elapsedOf({ startedAt, endedAt }: JournalSummary): number {
  return Date.parse(endedAt ?? startedAt) - Date.parse(startedAt);
}

/** The tasks of an attempt that did not come to their end, and what became of them. */
export function taskLines({ state, plan, attempt }: ReportFacts): string[] {
  const lines: string[] = [];
  for (const number of plan.shards.keys()) {
    const journals = state.shards[number]!.journals.filter(({ name }) => name.attempt === attempt.attempt);
    const last = journals.at(-1);
    if (last === undefined && isInAttempt(attempt, number))
      lines.push(`  shard ${number}: its task never started`);
    else if (last !== undefined && last.reason === undefined)
      lines.push(`  shard ${number}: task ${last.job} on ${last.name.host} was killed`);
    else if (last?.reason === 'cut off' || last?.reason === 'hopeless')
      lines.push(`  shard ${number}: task ${last.job} on ${last.name.host} ended early (${last.reason})`);
  }
  return lines;
}

function isInAttempt(attempt: Attempt, shard: number): boolean {
  return attempt.arrays.some(({ base, tasks }) => tasks.includes(shard - base));
}
