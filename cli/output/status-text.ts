import type { Account } from '../../core/model/account.ts';
import { formatBytes, formatCount, formatDuration } from '../../core/model/units.ts';
import { accountRowsOf } from '../../core/run/report-tree.ts';
import { retryCommand, sayDifferences } from '../../core/run/report-verification.ts';
import { type RunInfo, rootsOf, sayDestination, saySource } from '../../core/run/run-info.ts';
import type { RunStatus } from '../steps/run-status.ts';
import type { ShardStatus } from '../steps/shard-status.ts';

/** `bcopy status JOBID`: the run, a line for each state that shards are in, the books, rate and remaining time. */
export function formatStatus(status: RunStatus): string {
  const { run, attempt, phase, account } = status;
  const job = status.job ?? '-';
  const lines = [
    `job ${job}: ${phase}`,
    `run          ${run.info.id}, attempt ${attempt?.attempt ?? 0}${sayContinuation(status)}`,
    ...treeLines(run.info),
    `queue        ${attempt?.queue ?? '-'} (${attempt?.scheduler ?? '-'})`,
    ...(status.schedulerAnswered
      ? []
      : ['note         the scheduler does not answer; this is what the journals say']),
    '',
    ...shardLines(status.shards),
    '',
    ...accountLines(account, run.info),
    ...verifiedLines(status),
    '',
    ...paceLines(status),
    ...nextLines(status, job),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function treeLines(info: RunInfo): string[] {
  if (isOfTree(info)) return [`tree         ${saySource(info)}`];
  return [`source       ${saySource(info)}`, `destination  ${sayDestination(info)}`];
}

/** True of a run that copies nothing, and has one tree. */
function isOfTree({ purpose }: RunInfo): boolean {
  return purpose === 'manifest' || purpose === 'remove';
}

/** The jobs of a later attempt have numbers of their own. */
function sayContinuation({ attempt, job }: RunStatus): string {
  const own = attempt?.jobs.announced;
  return own === undefined || own === job ? '' : `, which goes on by itself as job ${own}`;
}

const tasksAtMost = 8;

function shardLines(shards: readonly ShardStatus[]): string[] {
  const byPhase = new Map<string, ShardStatus[]>();
  for (const shard of shards) byPhase.set(shard.phase, [...(byPhase.get(shard.phase) ?? []), shard]);
  return [...byPhase].map(([phase, members]) => {
    const isQuiet = phase === 'complete' || phase === 'idle' || phase === 'pending';
    return `${phase.padEnd(12)} ${String(members.length).padStart(6)} shards${isQuiet ? '' : `  ${describe(members)}`}`;
  });
}

function describe(shards: readonly ShardStatus[]): string {
  const texts = shards
    .slice(0, tasksAtMost)
    .map(({ task, node, reason }) => [task, node, reason].filter((text) => text !== '').join(' '));
  return `${texts.join(', ')}${shards.length > tasksAtMost ? ' ...' : ''}`;
}

function accountLines(account: Account, info: RunInfo): string[] {
  return accountRowsOf(info)
    .filter(([, key]) => key === 'planned' || key === 'copied' || account[key].entries > 0)
    .map(
      ([name, key]) =>
        `${name.padEnd(12)} ${formatCount(account[key].entries).padStart(12)} entries  ${formatBytes(account[key].bytes)}`,
    );
}

function verifiedLines({ verified }: RunStatus): string[] {
  if (verified === undefined) return [];
  const { entries, bytes } = verified;
  return [
    `${'compared'.padEnd(12)} ${formatCount(entries).padStart(12)} entries  ${formatBytes(bytes)}, ${sayDifferences(verified)}`,
  ];
}

function paceLines({ rate, remainingMs }: RunStatus): string[] {
  if (rate === undefined) return [];
  const lines = [`rate         ${formatBytes(rate.bytes)}/s, ${formatCount(rate.entries)} entries/s`];
  return remainingMs === undefined ? lines : [...lines, `remaining    about ${formatDuration(remainingMs)}`];
}

function nextLines({ phase, run, next }: RunStatus, job: string): string[] {
  if (phase === 'complete') return [];
  if (phase === 'incomplete' || phase === 'not submitted')
    return [
      ...(next?.kind === 'ends' ? [`it does not go on by itself: ${next.why}`] : []),
      `to go on, in the directory where it was made:`,
      `  ${retryCommand(run.info)}`,
    ];
  return [`to end it: bcopy cancel ${job}`];
}

/** One line of `bcopy status` without a job number. */
export function formatRunLine({ run, job = '-', phase, account }: RunStatus): string {
  const done =
    account.planned.entries === 0
      ? 100
      : Math.floor((100 * (account.planned.entries - account.left.entries)) / account.planned.entries);
  const trees = isOfTree(run.info)
    ? `${run.info.purpose} ${saySource(run.info)}`
    : `${saySource(run.info, 3)} -> ${sayDestination(run.info)}`;
  return `${job.padEnd(10)} ${phase.padEnd(13)} ${String(done).padStart(3)} %  ${run.info.createdAt}  ${trees}\n`;
}

function differencesOf({ count: differences, ...more }: NonNullable<RunStatus['verified']>): object {
  return { ...more, differences };
}

/** What --json prints: one object, names as the run directory has them. */
export function statusFacts({
  run,
  attempt,
  job,
  next,
  phase,
  account,
  shards,
  rate,
  remainingMs,
  left,
  schedulerAnswered,
  verified,
}: RunStatus): object {
  return {
    job: job ?? null,
    /** The job after all tasks: whoever needs the whole copy waits for this one. */
    finish: attempt?.jobs.finish ?? null,
    run: run.info.id,
    /** What it was made for: copy, verify, manifest or remove. */
    purpose: run.info.purpose ?? 'copy',
    attempt: attempt?.attempt ?? 0,
    /** Why it does not go on by itself, once that is decided. */
    endsBecause: next?.kind === 'ends' ? next.why : null,
    phase,
    scheduler: attempt?.scheduler ?? null,
    schedulerAnswered,
    queue: attempt?.queue ?? null,
    source: run.info.source?.path ?? null,
    /** All that is copied, also where it is no single directory. */
    sources: rootsOf(run.info).map(({ path }) => path),
    destination: run.info.destination.path,
    createdAt: run.info.createdAt,
    account,
    /** What was compared, and what of it differs: `{entries, bytes, differences, mended, unreadable}`. */
    verified: verified === undefined ? null : differencesOf(verified),
    shards,
    rate: rate ?? null,
    remainingMs: remainingMs ?? null,
    shardsWithWorkLeft: left,
  };
}
