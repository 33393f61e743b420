import { exitCodes } from '../../core/model/errors.ts';
import { differenceLine, formatCompared, formatDifference } from '../output/difference-text.ts';
import { writeLine } from '../output/write-lines.ts';
import { keptOf, type VerifyOptions } from '../proof-options.ts';
import { compareTrees } from '../steps/compare-trees.ts';
import type { CommandContext } from './context.ts';

/** `bcopy verify -s SRC -d DST`: tells each difference of two trees, and how much was compared. */
export async function verify(options: VerifyOptions, context: CommandContext): Promise<number> {
  const { source, destination, compare: by, threads, json } = options;
  let differences = 0;
  const format = json ? differenceLine : formatDifference;
  const compared = await compareTrees(
    { source, destination, by, keep: keptOf(options), threads },
    (difference) => {
      differences++;
      return writeLine(context.stdout, format(difference));
    },
    context.signal,
  );
  (json ? context.stderr : context.stdout).write(formatCompared(compared, differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}
