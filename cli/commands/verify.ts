import type { Difference } from '../../core/model/difference.ts';
import { exitCodes } from '../../core/model/errors.ts';
import {
  differenceLine,
  formatCompared,
  formatDifference,
  formatFilesCompared,
} from '../output/difference-text.ts';
import { writeLine } from '../output/write-lines.ts';
import { keptOf, type VerifyOptions } from '../proof-options.ts';
import { compareTrees } from '../steps/compare-trees.ts';
import { verifyManifest } from '../steps/verify-manifest.ts';
import type { CommandContext } from './context.ts';

/** `bcopy verify`: tells each difference of two trees, or of a tree from a manifest, and how much was compared. */
export async function verify(options: VerifyOptions, context: CommandContext): Promise<number> {
  let differences = 0;
  const format = options.json ? differenceLine : formatDifference;
  const tell = (difference: Difference) => {
    differences++;
    return writeLine(context.stdout, format(difference));
  };
  const say = await compare(options, tell, context.signal);
  (options.json ? context.stderr : context.stdout).write(say(differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}

/** Returns what to say in the end. */
async function compare(
  options: VerifyOptions,
  tell: (difference: Difference) => Promise<void>,
  signal: AbortSignal,
): Promise<(differences: number) => string> {
  if (options.kind === 'manifest') {
    const compared = await verifyManifest(options, tell, signal);
    return (differences) => formatFilesCompared(compared, differences);
  }
  const { source, destination, compare: by, threads } = options;
  const compared = await compareTrees(
    { source, destination, by, keep: keptOf(options), threads },
    tell,
    signal,
  );
  return (differences) => formatCompared(compared, differences);
}
