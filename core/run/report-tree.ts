import { accountRows } from '../model/account.ts';
import { adviceFor, meaningOf } from '../model/advice.ts';
import { quoteName } from '../model/names.ts';
import { formatBytes, formatCount, formatCounted, sayThreads } from '../model/units.ts';
import type { ReportFacts } from './report.ts';
import { accountLines, taskLines, timeLines } from './report-lines.ts';
import { type RunInfo, saySource } from './run-info.ts';
import type { TreeWork } from './tree-work.ts';

/** Paths listed for each cause; more are counted. */
const pathsAtMost = 10_000;

/** What the books of a run count, each with its name, in the order in which people read them. */
export function accountRowsOf({ purpose }: RunInfo): typeof accountRows {
  if (purpose !== 'manifest' && purpose !== 'remove') return accountRows;
  return [
    ['planned', 'planned'],
    [purpose === 'manifest' ? 'hashed' : 'removed', 'copied'],
    ['failed', 'failed'],
    ['not done', 'left'],
  ];
}

/** JOBID.log of a run that copies nothing: it hashes a tree, or removes one. */
export function formatTreeLog(facts: ReportFacts, work: TreeWork): string {
  const { info, attempt, job, plan, account } = facts;
  const lines = [
    `bcopy ${info.version}: job ${job}, attempt ${attempt.attempt} of run ${info.id}`,
    '',
    `command      ${facts.command}`,
    `tree         ${saySource(info)}`,
    `scheduler    ${attempt.scheduler}, queue ${attempt.queue}, ${attempt.workers} workers of ${sayThreads(attempt.cpus ?? attempt.threads ?? 1, attempt.threads)}`,
    `shards       ${plan.shards.length}; tasks' logs in .bcopy/${info.id}/logs/${attempt.attempt}/`,
    '',
    ...accountLines(account, accountRowsOf(info)),
    '',
    ...timeLines(facts),
    ...manifestLines(facts),
    '',
    treeVerdict(facts, work),
  ];
  return `${lines.join('\n')}\n`;
}

/** JOBID.err of such a run: empty when all is well. */
export function formatTreeErr(facts: ReportFacts, work: TreeWork): string {
  const groups =
    work.kind === 'hash' ? hashGroups(facts) : [...stayGroups(work), ...undoneGroups(facts, work)];
  return groups.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** The manifest that an attempt has made. */
export function manifestLines({ attempt, work }: ReportFacts): string[] {
  if (work?.kind !== 'hash' || !work.isWhole) return [];
  const { files, bytes } = work.hashed.made!;
  const { file, algorithm } = attempt.manifest!;
  const where = file === undefined ? 'in the run directory' : quoteName(file);
  return [`manifest     ${where}, by ${algorithm}: ${formatCounted(files, 'file')}, ${formatBytes(bytes)}`];
}

/** What a copy says of its manifest, once that is begun. */
export function manifestVerdict({ attempt, work, next }: ReportFacts): string[] {
  if (attempt.phase !== 'hash' || work?.kind !== 'hash') return [];
  if (work.isWhole) return [`The manifest of ${formatCounted(work.hashed.made!.files, 'file')} is made.`];
  return next?.kind === 'again'
    ? [`Attempt ${next.attempt} goes on with the manifest as job ${next.job}.`]
    : [];
}

function treeVerdict(facts: ReportFacts, work: TreeWork): string {
  const { account, next, plan, command } = facts;
  if (work.isWhole && work.kind === 'remove')
    return `All ${formatCounted(plan.totals.entries, 'entry is', 'entries are')} removed.`;
  if (work.isWhole) return manifestVerdict(facts).join('\n');
  const { failed, left } = account;
  const what = work.kind === 'hash' ? 'No manifest is made' : 'Not everything is removed';
  const lines = [
    `${what}: ${formatCounted(failed.entries, 'entry', 'entries')} failed, ${formatCount(left.entries)} not done.`,
  ];
  if (next?.kind === 'again') lines.push(`Attempt ${next.attempt} goes on with it as job ${next.job}.`);
  if (next?.kind === 'ends') lines.push(`It does not go on by itself: ${next.why}.`);
  if (next?.kind !== 'again') lines.push('To do it again:', `  ${command}`);
  return lines.join('\n');
}

/** Files that have no digest, by cause; or why the manifest could not be written. */
export function hashGroups(facts: ReportFacts): string[][] {
  const { work, next } = facts;
  if (work?.kind !== 'hash' || work.isWhole) return [];
  const { shards, made } = work.hashed;
  const all = shards.flatMap(({ unhashed }) => [...unhashed.values()]);
  const groups = [...byCause(all, 'not hashed'), ...undoneGroups(facts, work)];
  if (made?.why !== undefined)
    groups.push([
      made.why,
      '  what to do: see that the compute nodes can write there, then give the command again',
    ]);
  else if (groups.length === 0 && next?.kind === 'ends') groups.push([next.why]);
  return groups;
}

function stayGroups(work: TreeWork & { readonly kind: 'remove' }): string[][] {
  const { stays, gone } = work.unlinked;
  const groups = byCause(stays, 'not removed');
  const more = (gone?.stays ?? 0) - stays.length;
  if (more > 0) groups.push([`${formatCount(more)} more stay`]);
  return groups;
}

type Told = { readonly path: string; readonly cause: string; readonly action: string };

function byCause(all: readonly Told[], what: string): string[][] {
  const causes = new Map<string, Told[]>();
  for (const one of all) {
    const same = causes.get(one.cause);
    if (same === undefined) causes.set(one.cause, [one]);
    else same.push(one);
  }
  return [...causes].map(([cause, told]) => [
    `${formatCount(told.length)} ${what}: ${meaningOf(cause)}`,
    ...told.slice(0, pathsAtMost).map(({ path, action }) => `  ${quoteName(path || '.')} (${action})`),
    ...(told.length > pathsAtMost ? [`  and ${formatCount(told.length - pathsAtMost)} more`] : []),
    `  what to do: ${adviceFor(cause)}`,
  ]);
}

/** The tasks that did not come to their end. */
function undoneGroups(facts: ReportFacts, { left }: TreeWork): string[][] {
  const tasks = left.length === 0 ? [] : taskLines(facts);
  if (tasks.length === 0) return [];
  const { next } = facts;
  const todo =
    next?.kind === 'again'
      ? `nothing: attempt ${next.attempt} goes on with it as job ${next.job}`
      : 'look at the logs of these tasks, then give the command again';
  return [
    [
      `${formatCounted(left.length, 'shard is', 'shards are')} not done: tasks did not come to their end`,
      ...tasks,
      `  what to do: ${todo}`,
    ],
  ];
}
