import { type Plan, partsOf, wholeEntriesOf } from '../model/plan.ts';
import type { Range } from '../model/ranges.ts';
import type { DigestsLine } from './hash-lines.ts';
import type { JournalLine } from './journal-lines.ts';
import type { JournalName } from './run-paths.ts';

/** Why a line cannot have been written by this worker under this plan; undefined when it can. */
export type JournalCheck = (line: JournalLine) => string | undefined;

/** Undefined where the plan has no such shard. */
export function journalCheck(plan: Plan, name: JournalName): JournalCheck | undefined {
  const { entries } = plan.totals;
  if (name.shard === 'finish')
    return (line) => whyWrong(line, name, { from: 0, to: entries }, { from: 0, to: entries });
  const shard = plan.shards[name.shard];
  if (shard === undefined) return undefined;
  const whole = wholeEntriesOf(shard);
  const ordinals = [
    ...partsOf(shard).map(({ ordinal }) => ordinal),
    ...(whole.from < whole.to ? [whole.from, whole.to - 1] : []),
  ];
  const touched = { from: Math.min(...ordinals), to: Math.max(...ordinals) + 1 };
  return (line) => whyWrong(line, name, whole, touched);
}

/** `touched` are the entries that lie in the shard with a part of them at least. */
function whyWrong(line: JournalLine, name: JournalName, whole: Range, touched: Range): string | undefined {
  switch (line.type) {
    case 'journal':
      return line.shard === name.shard && line.attempt === name.attempt
        ? undefined
        : 'it is of another worker';
    case 'done':
      if (line.from > line.to || line.from < whole.from || line.to > whole.to)
        return `entries ${line.from} to ${line.to} are not of this shard`;
      return line.copied.entries + line.skipped.entries + line.linked.entries <= line.to - line.from
        ? undefined
        : 'more entries than its range has';
    case 'verified':
      return line.from > line.to || line.from < whole.from || line.to > whole.to
        ? `entries ${line.from} to ${line.to} are not of this shard`
        : undefined;
    case 'differs':
      if (line.ordinal !== undefined) return whyElsewhere(line.ordinal, touched);
      return name.shard === 'finish' ? 'no entry is said' : undefined;
    case 'part':
    case 'piece':
      if (line.from > line.to) return 'it ends before it begins';
      return whyElsewhere(line.ordinal, touched);
    case 'entry':
    case 'file':
      return whyElsewhere(line.ordinal, touched);
    case 'digests':
      return whyNoRanges(line.ranges, touched) ?? whyNoDigests(line);
    case 'unhashed':
      return whyElsewhere(line.ordinal, touched);
    case 'unlinked':
      return whyNoRanges([[line.from, line.to]], touched);
    case 'manifest':
    case 'stays':
    case 'gone':
      return name.shard === 'finish' ? undefined : 'only finish says that';
    case 'removed':
      return name.shard === 'finish' || line.entries === 0 ? 'finish removes nothing' : whyNoPath(line.path);
    case 'kept':
      return name.shard === 'finish' ? 'finish removes nothing' : undefined;
    default:
      return undefined;
  }
}

/** No path leads out of the destination. */
function whyNoPath(path: string): string | undefined {
  const isPath = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  return isPath ? undefined : 'no path below the destination';
}

function whyNoRanges(
  ranges: readonly (readonly [from: number, to: number])[],
  { from, to }: Range,
): string | undefined {
  const wrong = ranges.find((range) => range[0] > range[1] || range[0] < from || range[1] > to);
  return wrong && `entries ${wrong[0]} to ${wrong[1]} are not of this shard`;
}

function whyNoDigests({ files, file, ranges }: DigestsLine): string | undefined {
  if (files > 0 !== (file !== undefined)) return 'digests without a file, or the other way round';
  return files <= ranges.reduce((sum, [from, to]) => sum + to - from, 0)
    ? undefined
    : 'more files than its ranges have';
}

function whyElsewhere(ordinal: number, { from, to }: Range): string | undefined {
  return ordinal >= from && ordinal < to ? undefined : `entry ${ordinal} is not of this shard`;
}
