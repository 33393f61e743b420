import type { Difference, DifferenceKind } from '../../core/model/difference.ts';
import { exitCodes } from '../../core/model/errors.ts';
import {
  differenceLine,
  formatCompared,
  formatDifference,
  formatFilesCompared,
} from '../output/difference-text.ts';
import { formatPath } from '../output/path-list.ts';
import { writeLine } from '../output/write-lines.ts';
import { type CompareOptions, keptOf } from '../proof-options.ts';
import { compareLists } from '../steps/compare-lists.ts';
import { compareTrees, type Tell } from '../steps/compare-trees.ts';
import { compareWithManifest, sideOf } from '../steps/compared-sides.ts';
import type { CommandContext } from './context.ts';

/** `bcopy compare A B`: in what two trees differ, or a tree and a list of one, as text, as JSON, or as a list of paths. */
export async function compare(options: CompareOptions, context: CommandContext): Promise<number> {
  const { list, json } = options;
  const write = list === undefined ? writeDifferences(json, context) : writePaths(options, context);
  let differences = 0;
  const tell = async (difference: Difference) => {
    if (!isAskedFor(difference.kind, options)) return;
    differences++;
    await write(difference);
  };
  const say = await compareSides(options, tell, context.signal);
  const isText = list === undefined && !json;
  (isText ? context.stdout : context.stderr).write(say(differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}

/** Returns what to say in the end. */
async function compareSides(
  options: CompareOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<(differences: number) => string> {
  const { first, second, compare: by, threads, 'modify-window': modifyWindow } = options;
  const how = { by, keep: keptOf(options), modifyWindow, threads };
  const [source, destination] = [sideOf(first), sideOf(second)];
  if (source.kind !== 'manifest' && destination.kind !== 'manifest') {
    const hasList = source.kind === 'list' || destination.kind === 'list';
    const compared = hasList
      ? await compareLists({ source, destination }, how, tell, signal)
      : await compareTrees({ source: first, destination: second, ...how }, tell, signal);
    return (differences) => formatCompared(compared, differences);
  }
  const compared = await compareWithManifest(source, destination, threads, tell, signal);
  return (differences) => formatFilesCompared(compared, differences);
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
