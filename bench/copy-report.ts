import type { CopyRun } from './copy-run.ts';
import { labels } from './launch.ts';
import { type Spread, spreadOf } from './measure.ts';

export type CopyResult = {
  readonly workload: string;
  readonly label: string;
  readonly runs: readonly CopyRun[];
};

export type CopySummary = {
  readonly workload: string;
  readonly label: string;
  readonly runs: number;
  readonly seconds: Spread;
  readonly syncedSeconds: Spread;
  readonly cpu: Spread;
  readonly megabytes: Spread;
};

type Measure = 'seconds' | 'syncedSeconds' | 'cpu';

export function summarizeCopies({ workload, label, runs }: CopyResult): CopySummary {
  return {
    workload,
    label,
    runs: runs.length,
    seconds: spreadOf(runs.map((run) => run.seconds)),
    syncedSeconds: spreadOf(runs.map((run) => run.syncedSeconds)),
    cpu: spreadOf(runs.map((run) => run.cpu)),
    megabytes: spreadOf(runs.map((run) => run.megabytes)),
  };
}

const heads = [
  ...['command', 'wall s', 'min-max', 'wall + sync s', 'CPU s', 'peak MB'],
  ...['wall x cp', 'x rsync', 'x floor', 'synced x cp', 'x rsync', 'x floor', 'CPU x floor'],
];

/** A Markdown table of one workload: `x cp` and its like compare medians with those of that command. */
export function formatCopyTable(summaries: readonly CopySummary[]): string {
  const rows = summaries.map((summary) => rowOf(summary, summaries));
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]!.length)),
  );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  return [heads, rule, ...rows].map(line).join('\n');
}

function rowOf(summary: CopySummary, all: readonly CopySummary[]): string[] {
  const { label, seconds, syncedSeconds, cpu, megabytes } = summary;
  const against = (other: string, measure: Measure) => {
    const value = ratio(all, label, other, measure);
    return value === undefined ? '-' : value.toFixed(2);
  };
  const each = (measure: Measure) =>
    [labels.cp, labels.rsync, labels.floor].map((other) => against(other, measure));
  return [
    label,
    seconds.median.toFixed(2),
    `${seconds.min.toFixed(2)}-${seconds.max.toFixed(2)}`,
    syncedSeconds.median.toFixed(2),
    cpu.median.toFixed(2),
    megabytes.median.toFixed(0),
    ...each('seconds'),
    ...each('syncedSeconds'),
    against(labels.floor, 'cpu'),
  ];
}

/** Median by median; undefined when one of them was not measured. */
export function ratio(
  all: readonly CopySummary[],
  label: string,
  other: string,
  measure: Measure,
): number | undefined {
  const [one, two] = [label, other].map((wanted) => all.find((summary) => summary.label === wanted));
  return one && two && one[measure].median / two[measure].median;
}
