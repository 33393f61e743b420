import { type Account, isComplete } from '../model/account.ts';
import { adviceFor, meaningOf } from '../model/advice.ts';
import { leftOutNotes } from '../model/fidelity.ts';
import { quoteName } from '../model/names.ts';
import type { EntryOutcome } from '../model/outcome.ts';
import { type AttemptPhase, hasPhaseToFollow, phaseAfter } from '../model/phase.ts';
import { type Plan, sayExcluded, sayLinkedOutside } from '../model/plan.ts';
import type { Kept } from '../model/removal.ts';
import { formatBytes, formatCount, formatCounted, sayThreads } from '../model/units.ts';
import { sayWays } from '../model/ways.ts';
import type { Attempt } from './attempt-file.ts';
import type { Next } from './next-file.ts';
import { accountLines, taskLines, timeLines } from './report-lines.ts';
import { hashGroups, manifestLines, manifestVerdict } from './report-tree.ts';
import {
  alike,
  differenceGroups,
  retryOf,
  verdictOnDifferences,
  verifiedLines,
} from './report-verification.ts';
import { type RunInfo, sayDestination, saySource } from './run-info.ts';
import { outcomesOf, type RunState } from './run-state.ts';
import { unverifiedShards } from './to-verify.ts';
import type { TreeWork } from './tree-work.ts';

/** Paths listed for each cause; more are counted. */
const pathsAtMost = 10_000;

export type ReportFacts = {
  readonly info: RunInfo;
  readonly plan: Plan;
  readonly attempt: Attempt;
  /** What follows the attempt by itself; undefined while that is not decided, and when it cannot be. */
  readonly next: Next | undefined;
  readonly state: RunState;
  readonly account: Account;
  readonly job: string;
  /** What an attempt that hashes, or removes a tree, has come to. */
  readonly work?: TreeWork | undefined;
  /** The command that was typed, ready to be pasted into a shell. */
  readonly command: string;
};

/** JOBID.log: what was asked, what was done, and the line that says whether all is well. */
export function formatLog(facts: ReportFacts): string {
  const { info, attempt, job, plan, account } = facts;
  const lines = [
    `bcopy ${info.version}: job ${job}, attempt ${attempt.attempt} of run ${info.id}`,
    '',
    `command      ${facts.command}`,
    `source       ${saySource(info)}`,
    `destination  ${sayDestination(info)}`,
    `scheduler    ${attempt.scheduler}, queue ${attempt.queue}, ${attempt.workers} workers of ${sayThreads(attempt.cpus ?? attempt.threads ?? 1, attempt.threads)}`,
    `shards       ${plan.shards.length}; tasks' logs in .bcopy/${info.id}/logs/${attempt.attempt}/`,
    '',
    ...accountLines(account),
    '',
    ...timeLines(facts),
    ...wayLines(facts),
    ...noteLines(facts),
    ...removedLines(facts),
    ...verifiedLines(facts),
    ...manifestLines(facts),
    '',
    verdict(facts),
  ];
  return `${lines.join('\n')}\n`;
}

/** How content was copied by all attempts, for those who asked. */
function wayLines({ state, attempt }: ReportFacts): string[] {
  if (attempt.verbose !== true) return [];
  return [`ways         ${sayWays(state.ways) || 'no content was copied'}`];
}

function noteLines({ state, plan }: ReportFacts): string[] {
  const notes = [...state.notes].map(
    ([note, entries]) => `note         ${note}: ${formatCounted(entries, 'entry', 'entries')}`,
  );
  const { linkedOutside = 0, excluded } = plan.totals;
  return [
    ...notes,
    ...(linkedOutside === 0 ? [] : [`note         ${sayLinkedOutside(linkedOutside)}`]),
    ...(excluded === undefined ? [] : [`note         ${sayExcluded(excluded)}`]),
  ];
}

/** What has gone from the destination, and how it comes back. */
function removedLines({ state, info, job, attempt }: ReportFacts): string[] {
  const { names, entries, bytes, trash } = state.removals;
  const isUnderWay = state.finish.journal?.name.attempt !== attempt.attempt;
  if (names === 0 && attempt.phase === 'delete')
    return [`removed      nothing${isUnderWay ? ' yet: the tasks that remove are not done' : ''}`];
  if (names === 0) return [];
  const what = `removed      ${formatCounted(entries, 'entry', 'entries')}, ${formatBytes(bytes)}`;
  if (trash === undefined) return [`${what}, for good`];
  const where = quoteName(`${info.destination.path}/${trash}`);
  return [`${what}, in ${where}; bcopy undo ${job} brings them back`];
}

function verdict(facts: ReportFacts): string {
  const { account, attempt, next, state } = facts;
  const compared = verdictOnDifferences(facts);
  const isCopy = isComplete(account) && facts.info.purpose === undefined;
  const verdicts = [compared === undefined || isCopy ? copyVerdict(facts) : undefined, compared];
  const copied = verdicts.filter((one) => one !== undefined).join('\n');
  if (!isComplete(account) || (compared !== undefined && compared !== alike)) return copied;
  const made = manifestVerdict(facts);
  if (hasPhaseToFollow(attempt) && next?.kind === 'again' && facts.work?.isWhole !== false)
    return [
      copied,
      ...made,
      `Attempt ${next.attempt} ${sayPhase(phaseAfter(attempt))}, as job ${next.job}.`,
    ].join('\n');
  const stays = state.removals.keptCount;
  const of =
    stays === 0 || attempt.phase !== 'delete'
      ? []
      : [
          `${formatCounted(stays, 'thing stays', 'things stay')} at the destination that should have gone; see ${facts.job}.err.`,
        ];
  const why = next?.kind === 'ends' && stays === 0 ? [`But ${next.why}.`] : [];
  return [copied, ...made, ...of, ...why].join('\n');
}

function sayPhase(phase: AttemptPhase | undefined): string {
  if (phase === 'verify') return 'compares what is copied with the source';
  return phase === 'hash'
    ? 'hashes what is at the destination, for the manifest'
    : 'removes what the source does not have';
}

function copyVerdict(facts: ReportFacts): string {
  const { account, plan, state, next } = facts;
  const { failed, left, vanished } = account;
  const files = plan.totals.entries - plan.totals.directories;
  if (isComplete(account)) {
    const leftOut = Object.values(leftOutNotes).reduce((sum, note) => sum + (state.notes.get(note) ?? 0), 0);
    const but = [
      ...(vanished.entries === 0
        ? []
        : [`${formatCount(vanished.entries)} that vanished from the source meanwhile`]),
      ...(leftOut === 0 ? [] : [`${formatCount(leftOut)} that were left out (see the notes)`]),
    ];
    const isNothing = account.copied.entries + account.linked.entries === 0 && files > 0;
    const all = files === 1 ? 'the file is' : `all ${formatCount(files)} files are`;
    if (but.length === 0 && isNothing) return `Nothing had to be copied: ${all} there already.`;
    if (but.length === 0) return `${all.replace(/^./, (letter) => letter.toUpperCase())} copied.`;
    return `All files are copied but ${but.join(', and ')}.`;
  }
  return [
    `Not everything is copied: ${formatCounted(failed.entries, 'entry', 'entries')} failed, ${formatCount(left.entries)} not done.`,
    ...(next === undefined ? [] : [`${sayNext(next)}.`]),
    ...(next?.kind === 'again' ? [] : ['To copy what is missing:', `  ${retryOf(facts)}`]),
  ].join('\n');
}

function sayNext(next: Next): string {
  if (next.kind === 'again') return `Attempt ${next.attempt} goes on with it as job ${next.job}`;
  if (next.kind === 'whole') return 'Nothing more is to be done';
  return `It does not go on by itself: ${next.why}`;
}

/** JOBID.err: empty when all is well, else the failures by cause, and the tasks that did not come to their end. */
export function formatErr(facts: ReportFacts): string {
  const causes = new Map<string, EntryOutcome[]>();
  for (const outcome of outcomesOf(facts.state)) {
    if (outcome.outcome === 'failed')
      causes.set(outcome.cause, [...(causes.get(outcome.cause) ?? []), outcome]);
  }
  const groups = [...causes]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([cause, outcomes]) => causeLines(cause, outcomes));
  if (facts.attempt.phase === 'delete') groups.push(...keptLines(facts));
  groups.push(...hashGroups(facts));
  const isProven = isComplete(facts.account) && facts.work?.isWhole !== false;
  if (isProven && facts.state.removals.keptCount === 0 && facts.next?.kind === 'ends')
    groups.push(endLines(facts.next.why));
  groups.push(...differenceGroups(facts));
  // What differs is not done either, and was told
  const left = facts.account.left.entries - facts.state.verification.open.size;
  if (left > 0 || !isTold(facts)) groups.push(leftLines(facts, left));
  return groups.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** Why nothing, or not all, was removed after everything was copied. */
function endLines(why: string): string[] {
  return [
    why,
    '  what to do: see what would go with --dry-run --delete; then --retry --delete, with a higher --max-delete if it is meant',
  ];
}

/** What stays at the destination that should have gone, by cause. */
function keptLines({ state: { removals } }: ReportFacts): string[][] {
  const causes = new Map<string, Kept[]>();
  for (const kept of removals.kept) {
    const same = causes.get(kept.cause);
    if (same === undefined) causes.set(kept.cause, [kept]);
    else same.push(kept);
  }
  return [...causes].map(([cause, kept]) => [
    `${formatCount(kept.length)} not removed: ${meaningOf(cause)}`,
    ...kept.map(({ path, action }) => `  ${quoteName(path === '' ? '.' : path)} (${action})`),
    `  what to do: ${adviceFor(cause)}`,
  ]);
}

function causeLines(cause: string, outcomes: readonly EntryOutcome[]): string[] {
  const paths = outcomes
    .slice(0, pathsAtMost)
    .map(({ path, action }) => `  ${quoteName(path === '' ? '.' : path)} (${action})`);
  const more = outcomes.length - paths.length;
  if (more > 0) paths.push(`  and ${formatCount(more)} more`);
  return [
    `${formatCount(outcomes.length)} failed: ${meaningOf(cause)}`,
    ...paths,
    `  what to do: ${adviceFor(cause)}`,
  ];
}

/** True when nothing is left, or all of it is known to differ. */
function isTold({ account: { left }, state, attempt, plan, info }: ReportFacts): boolean {
  if (attempt.phase !== 'verify') return left.bytes === 0 || state.verification.open.size > 0;
  return unverifiedShards(attempt, info, plan, state).length === 0;
}

function leftLines(facts: ReportFacts, left: number): string[] {
  const { next } = facts;
  const what = left > 0 ? `${formatCounted(left, 'entry is', 'entries are')} not done` : 'not all is done';
  const lines = [`${what}: tasks did not come to their end`, ...taskLines(facts)];
  if (next?.kind === 'again')
    return [...lines, `  what to do: nothing: attempt ${next.attempt} goes on with it as job ${next.job}`];
  if (next?.kind === 'ends') lines.push(`  it does not go on by itself: ${next.why}`);
  return [...lines, '  what to do: look at the logs of these tasks, then --retry'];
}
