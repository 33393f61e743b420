import { meaningOf } from '../../core/model/advice.ts';
import { quoteName } from '../../core/model/names.ts';
import { imbalanceOf, type Plan, sayExcluded, sayLinkedOutside } from '../../core/model/plan.ts';
import { quoteForShell } from '../../core/model/shell-words.ts';
import { formatBytes, formatCount } from '../../core/model/units.ts';
import type { Unreadable } from '../steps/scan-source.ts';

/** What a copy says first: where from, where to. */
export function formatTrees(sources: readonly string[], destination: string): string {
  const [first, ...others] = sources.map(quoteName);
  const more = others.map((source) => `             ${source}\n`).join('');
  return `source:      ${first}\n${more}destination: ${quoteName(destination)}\n`;
}

export function formatSubmitted(job: string, queue: string): string {
  return `Job <${job}> is submitted to queue <${queue}>.\n`;
}

/** What --check lists before it ends with nothing submitted. */
export function formatUnreadable(unreadable: readonly Unreadable[], total: number): string {
  const lines = unreadable.map(
    ({ path, errno }) => `  ${quoteName(path === '' ? '.' : path)}: ${meaningOf(errno)}`,
  );
  if (total > unreadable.length) lines.push(`  and ${formatCount(total - unreadable.length)} more`);
  return `${lines.join('\n')}\n`;
}

export type PlannedCopy = {
  readonly plan: Plan;
  readonly queue: string;
  readonly commands: readonly (readonly string[])[];
  readonly scripts: readonly { readonly name: string; readonly text: string }[];
};

/** The plan for --dry-run: numbers, shards, scripts, and the commands word by word. */
export function formatPlan({ plan, queue, commands, scripts }: PlannedCopy): string {
  const { totals, shards } = plan;
  const kinds = [
    `${formatCount(totals.directories)} directories`,
    `${formatCount(totals.files)} files`,
    `${formatCount(totals.links)} further names (hard links)`,
    `${formatCount(totals.symlinks)} symlinks`,
    `${formatCount(totals.specials)} special files`,
    `${formatCount(totals.unreadable)} unreadable`,
  ];
  const lines = [
    `entries:     ${formatCount(totals.entries)} (${kinds.join(', ')})`,
    ...(totals.linkedOutside === undefined ? [] : [`             ${sayLinkedOutside(totals.linkedOutside)}`]),
    ...(totals.excluded === undefined ? [] : [`             ${sayExcluded(totals.excluded)}`]),
    `bytes:       ${formatCount(totals.bytes)} (${formatBytes(totals.bytes)})`,
    `shards:      ${shards.length}, the longest ${imbalanceOf(plan).toFixed(4)} x the mean; files are divided at multiples of ${formatBytes(plan.partBytes)}`,
    ...shards.map(
      (shard, i) =>
        `  shard ${i}: ${formatCount(shard.entries)} entries, ${formatBytes(shard.bytes)}, cost ${formatBytes(shard.cost)}`,
    ),
    `queue:       ${queue}`,
    ...scripts.flatMap(({ name, text }) => ['', `# ${name}`, text.trimEnd()]),
    '',
    '# what would be run',
    ...commands.map((words) => words.map(quoteForShell).join(' ')),
  ];
  return `${lines.join('\n')}\n`;
}
