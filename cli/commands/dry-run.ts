import { exitCodes } from '../../core/model/errors.ts';
import type { Extra } from '../../core/model/removal.ts';
import { formatPlan } from '../output/copy-text.ts';
import {
  addForecast,
  forecastLine,
  forecastsLine,
  formatForecast,
  formatForecasts,
  formatRemoval,
  newForecastTally,
  planLine,
} from '../output/forecast-text.ts';
import { writeLine } from '../output/write-lines.ts';
import { type EntryForecast, foretellRun } from '../steps/foretell-run.ts';
import { describeRun, forgetRun } from '../steps/plan-run.ts';
import { previewRemoval } from '../steps/preview-removal.ts';
import type { Copy, ReadyRun } from '../steps/submit-run.ts';

/** `--dry-run`: the plan, and what would become of each entry. What was written down for it is removed again. */
export async function dryRun(copy: Copy, run: ReadyRun): Promise<number> {
  const { options, context } = copy;
  try {
    const planned = await describeRun(copy, run);
    context.stdout.write(options.json ? planLine(planned) : formatPlan(planned));
    await (options.dryRun === 'plan' ? showRemoval(copy, run) : showEntries(copy, run));
  } catch (error) {
    if (!isWithoutReader(error)) throw error;
  } finally {
    await forgetRun(run);
  }
  return exitCodes.done;
}

/** Who has read enough, as head(1), has what he wanted. */
function isWithoutReader(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE';
}

async function showRemoval(copy: Copy, run: ReadyRun): Promise<void> {
  const removal = copy.options.json ? undefined : await previewRemoval(copy, run);
  if (removal !== undefined) copy.context.stdout.write(`\n${formatRemoval(removal)}`);
}

/** What is identical is only counted, unless all is to be told. */
async function showEntries(copy: Copy, run: ReadyRun): Promise<void> {
  const { options, context } = copy;
  const write = (text: string) => {
    const { errored } = context.stdout;
    return errored ? Promise.reject(errored) : writeLine(context.stdout, text);
  };
  const show = (forecast: EntryForecast) =>
    write(options.json ? forecastLine(forecast) : formatForecast(forecast));
  if (!options.json) await write('\n# what would become of each entry\n');
  const tally = newForecastTally();
  for await (const forecast of foretellRun(copy, run)) {
    addForecast(tally, forecast);
    if (forecast !== undefined && (options.verbose || forecast.why !== 'identical')) await show(forecast);
  }
  const removal = await previewRemoval(copy, run, (extra) => show(removed(extra)));
  await write(
    options.json ? forecastsLine(tally, removal) : formatForecasts(tally, removal, options.verbose),
  );
}

function removed({ path, kind, bytes, entries }: Extra): EntryForecast {
  return { action: 'remove', why: 'extra', detail: '', path, kind, bytes, entries };
}
