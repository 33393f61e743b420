import { differenceKinds } from '../model/difference.ts';
import { quoteName } from '../model/names.ts';
import { quoteForShell } from '../model/shell-words.ts';
import { formatBytes, formatCount, formatCounted } from '../model/units.ts';
import type { Next } from './next-file.ts';
import type { ReportFacts } from './report.ts';
import type { RunInfo } from './run-info.ts';
import type { RunState } from './run-state.ts';
import { unverifiedShards } from './to-verify.ts';

/** Paths listed for each kind; more are counted. */
const pathsAtMost = 10_000;

/** How to have done what is left, or differs, ready to be pasted into a shell. */
export function retryCommand({ purpose, command, source, destination }: RunInfo): string {
  if (purpose === 'manifest' || purpose === 'remove') return command.map(quoteForShell).join(' ');
  const given = ['bcopy', '-s', source?.given ?? '', '-d', destination.given];
  const words = purpose === 'verify' ? given : command;
  return [...words, '--retry'].map(quoteForShell).join(' ');
}

/** The same with the words that are known to be those of the user. */
export function retryOf({ info, command }: Pick<ReportFacts, 'info' | 'command'>): string {
  return info.purpose === 'verify' ? retryCommand(info) : `${command} --retry`;
}

/** What was compared, and how much of it differs. */
export function verifiedLines({ state: { verification } }: ReportFacts): string[] {
  if (verification.since === 0) return [];
  const { entries, bytes, hashed } = verification.compared;
  const by = hashed === 0 ? '' : ` (${formatBytes(hashed)} by digests)`;
  const content = bytes === 0 ? '' : `, ${formatBytes(bytes)} of content${by}`;
  return [
    `compared     ${formatCounted(entries, 'entry', 'entries')}${content}: ${sayDifferences(verification)}`,
  ];
}

/** `no difference`, `3 differences`, and what was copied again, or could not be read. */
export function sayDifferences({
  count,
  mended,
  unreadable,
}: Pick<RunState['verification'], 'count' | 'mended' | 'unreadable'>): string {
  return [
    count === 0 ? 'no difference' : formatCounted(count, 'difference'),
    ...(mended === 0 ? [] : [`${formatCount(mended)} mended`]),
    ...(unreadable === 0 ? [] : [`${formatCount(unreadable)} could not be read`]),
  ].join(', ');
}

/** The verdict when nothing differs. */
export const alike = 'The destination is like the source, in all that was compared.';

/** The line that says whether all is well, after tasks that compare; undefined where the account says more. */
export function verdictOnDifferences(facts: ReportFacts): string | undefined {
  const { attempt, state, info, plan, next } = facts;
  if (attempt.phase !== 'verify') return undefined;
  const isAll = unverifiedShards(attempt, info, plan, state).length === 0;
  const { count, open, unreadable } = state.verification;
  if (isAll && count === 0 && unreadable === 0 && open.size === 0) return alike;
  const found = [
    ...(isAll ? [] : ['not everything is compared']),
    ...(count === 0 ? [] : [`${formatCounted(count, 'difference')} between source and destination`]),
    ...(unreadable === 0 ? [] : [`${formatCount(unreadable)} could not be read`]),
  ].join(', ');
  return [`${found[0]!.toUpperCase()}${found.slice(1)}.`, ...nextLines(facts, next)].join('\n');
}

function nextLines(facts: ReportFacts, next: Next | undefined): string[] {
  if (next?.kind === 'again') return [`Attempt ${next.attempt} goes on with it as job ${next.job}.`];
  const { state, attempt } = facts;
  const mends = attempt.verify?.mends === true;
  const why = next?.kind === 'ends' && mends ? [`It does not go on by itself: ${next.why}.`] : [];
  const isToCopy = state.verification.open.size > 0;
  return isToCopy ? [...why, 'To copy what differs:', `  ${retryOf(facts)}`] : why;
}

/** What differs, by kind. */
export function differenceGroups({ state: { verification } }: ReportFacts): string[][] {
  const all = [...verification.differences()];
  const told = differenceKinds
    .map((kind) => [kind, all.filter((one) => one.kind === kind)] as const)
    .filter(([, found]) => found.length > 0);
  return told.map(([kind, found]) => {
    const shown = found
      .slice(0, pathsAtMost)
      .map(({ path, detail }) => `  ${quoteName(path || '.')}${detail === '' ? '' : ` (${detail})`}`);
    const extras = kind === 'extra' ? verification.extrasCount - verification.extras.length : 0;
    const more = found.length - shown.length + extras;
    return [
      `${formatCount(found.length + extras)} ${sayKind(kind)}`,
      ...shown,
      ...(more > 0 ? [`  and ${formatCount(more)} more`] : []),
      `  what to do: ${kind === 'extra' ? '--delete takes them away' : '--retry copies them again'}`,
    ];
  });
}

function sayKind(kind: string): string {
  if (kind === 'extra') return 'only at the destination (extra)';
  if (kind === 'missing') return 'not at the destination any more (missing)';
  return kind === 'unreadable' ? 'not compared (unreadable)' : `not as in the source: ${kind}`;
}
