import type { Difference, DifferenceKind } from '../../core/model/difference.ts';
import { exitCodes } from '../../core/model/errors.ts';
import { differenceLine, formatCompared, formatDifference } from '../output/difference-text.ts';
import { formatPath } from '../output/path-list.ts';
import { writeLine } from '../output/write-lines.ts';
import { type CompareOptions, keptOf } from '../proof-options.ts';
import { compareTrees } from '../steps/compare-trees.ts';
import type { CommandContext } from './context.ts';

/** `bcopy compare A B`: in what two trees differ, as text, as JSON, or as a list of paths. */
export async function compare(options: CompareOptions, context: CommandContext): Promise<number> {
  const { first: source, second: destination, compare: by, threads, list, json } = options;
  const write = list === undefined ? writeDifferences(json, context) : writePaths(options, context);
  let differences = 0;
  const compared = await compareTrees(
    { source, destination, by, keep: keptOf(options), modifyWindow: options['modify-window'], threads },
    async (difference) => {
      if (!isAskedFor(difference.kind, options)) return;
      differences++;
      await write(difference);
    },
    context.signal,
  );
  const isText = list === undefined && !json;
  (isText ? context.stdout : context.stderr).write(formatCompared(compared, differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}

/** What cannot be read is told always; a list is of what the second tree lacks or has otherwise. */
function isAskedFor(kind: DifferenceKind, { only, list }: CompareOptions): boolean {
  if (only !== undefined) return only.includes(kind) || kind === 'unreadable';
  return list === undefined || kind !== 'extra';
}

function writeDifferences(json: boolean, { stdout }: CommandContext) {
  const format = json ? differenceLine : formatDifference;
  return (difference: Difference) => writeLine(stdout, format(difference));
}

/** Each path once, however much of it differs: its differences follow each other. */
function writePaths({ list, null: endsWithZero }: CompareOptions, { stdout, stderr }: CommandContext) {
  let last: string | undefined;
  return async (difference: Difference) => {
    const { kind, path } = difference;
    if (kind === 'unreadable') stderr.write(`bcopy: ${formatDifference(difference)}`);
    // The tree itself would stand for all that is in it
    else if (path !== '' && path !== last) await writeLine(stdout, formatPath(path, list!, endsWithZero));
    last = path;
  };
}
