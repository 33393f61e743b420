import { type Run, type Spread, spreadOf } from './measure.ts';

/** What one command took on one tree. */
export type Result = { readonly label: string; readonly entries: number; readonly runs: readonly Run[] };

export type Summary = {
  readonly label: string;
  readonly entries: number;
  readonly runs: number;
  readonly entriesPerSecond: Spread;
  readonly cpuSeconds: Spread | undefined;
  readonly megabytes: Spread | undefined;
};

export function summarize({ label, entries, runs }: Result): Summary {
  return {
    label,
    entries,
    runs: runs.length,
    entriesPerSecond: spreadOf(runs.map((run) => entries / run.seconds)),
    cpuSeconds: spreadWhereKnown(runs.map((run) => run.cpu)),
    megabytes: spreadWhereKnown(runs.map((run) => run.megabytes)),
  };
}

function spreadWhereKnown(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spreadOf(known);
}

const heads = ['entries', 'command', 'entries/s', 'min', 'max', 'CPU s', 'peak MB', 'x find', 'x fpart'];

/** A Markdown table; `x find` and `x fpart` compare entries per second on the same tree. */
export function formatTable(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => formatRow(summary, summaries));
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]!.length)),
  );
  const rule = widths.map((width, column) =>
    column === 1 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [heads, rule, ...rows].map((cells) => formatCells(cells, widths)).join('\n');
}

function formatRow(summary: Summary, all: readonly Summary[]): string[] {
  const { label, entries, entriesPerSecond, cpuSeconds, megabytes } = summary;
  const against = (program: string) => {
    const other = all.find((one) => one.entries === entries && one.label.startsWith(program));
    return other === undefined ? '-' : (entriesPerSecond.median / other.entriesPerSecond.median).toFixed(2);
  };
  const { median, min, max } = entriesPerSecond;
  return [
    formatCount(entries),
    label,
    ...[median, min, max].map(formatCount),
    cpuSeconds?.median.toFixed(2) ?? '-',
    megabytes?.median.toFixed(1) ?? '-',
    against('find'),
    against('fpart'),
  ];
}

function formatCells(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) =>
    column === 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
  );
  return `| ${padded.join(' | ')} |`;
}

/** What the plan of the large tree takes in memory, and how much more than that of the small one. */
export function formatMemory(small: Summary, large: Summary): string {
  if (small.megabytes === undefined || large.megabytes === undefined)
    return 'bcopy, peak memory: not measured';
  const [low, high] = [small.megabytes, large.megabytes];
  return (
    `bcopy, peak memory: ${low.median.toFixed(1)} MB for ${formatCount(small.entries)} entries, ` +
    `${high.median.toFixed(1)} MB (at most ${high.max.toFixed(1)}) for ${formatCount(large.entries)}: ` +
    `${(high.median / low.median).toFixed(3)} x (wanted: below 200 MB, at most 1.10 x)`
  );
}

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
