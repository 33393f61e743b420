import { type ForecastAction, forecastActions, sayWhy } from '../../core/model/forecast.ts';
import { quoteName } from '../../core/model/names.ts';
import { formatBytes, formatCount, formatCounted } from '../../core/model/units.ts';
import type { EntryForecast } from '../steps/foretell-run.ts';
import type { RemovalPreview } from '../steps/preview-removal.ts';
import type { PlannedCopy } from './copy-text.ts';

/** How many entries have each forecast. */
export type ForecastTally = {
  readonly actions: Map<ForecastAction, number>;
  entries: number;
  identical: number;
  /** Of what would be copied. */
  bytes: number;
  /** Entries that earlier attempts have done. */
  done: number;
};

export function newForecastTally(): ForecastTally {
  return { actions: new Map(), entries: 0, identical: 0, bytes: 0, done: 0 };
}

/** Counts an entry of the plan, undefined for one that is done. */
export function addForecast(tally: ForecastTally, forecast: EntryForecast | undefined): void {
  if (forecast === undefined) {
    tally.done++;
    return;
  }
  const { action, why, bytes } = forecast;
  tally.entries++;
  tally.actions.set(action, (tally.actions.get(action) ?? 0) + 1);
  if (why === 'identical') tally.identical++;
  if (action === 'copy' || action === 'replace') tally.bytes += bytes;
}

/** `copy  a/f7  size differs (12 -> 15)`: always one line; the tree itself is `.`, and directories end with a slash. */
export function formatForecast(forecast: EntryForecast): string {
  const { action, path, kind } = forecast;
  const shown = `${quoteName(path === '' ? '.' : path)}${kind === 'directory' ? '/' : ''}`;
  const why = action === 'make' ? '' : sayWhy(forecast);
  return `${`${action.padEnd(8)}${shown}  ${why}`.trimEnd()}\n`;
}

/** The same for programs: a byte of the path that is not UTF-8 is a lone surrogate. */
export function forecastLine({ action, kind, path, why, detail, bytes, entries }: EntryForecast): string {
  return lineOf({ type: 'entry', action, kind, path, why, detail, bytes, entries });
}

export function planLine({ plan, queue, commands, scripts }: PlannedCopy): string {
  const shards = plan.shards.map(({ entries, bytes, cost }) => ({ entries, bytes, cost }));
  return lineOf({
    type: 'plan',
    ...plan.totals,
    partBytes: plan.partBytes,
    shards,
    queue,
    commands,
    scripts,
  });
}

/** The last line: `603 entries: 12 to copy (97.7 KiB), 1 to make, 590 to skip (589 identical).` */
export function formatForecasts(
  tally: ForecastTally,
  removal: RemovalPreview | undefined,
  isAllListed: boolean,
): string {
  const hint = isAllListed ? '' : ': --verbose lists them';
  const notes = new Map<ForecastAction, string>([
    ['copy', ` (${formatBytes(tally.bytes)})`],
    ['skip', tally.identical === 0 ? '' : ` (${formatCount(tally.identical)} identical${hint})`],
  ]);
  const parts = forecastActions.flatMap((action) => {
    const count = tally.actions.get(action) ?? 0;
    return count === 0 ? [] : [`${formatCount(count)} ${verbOf(action)}${notes.get(action) ?? ''}`];
  });
  if (tally.done > 0) parts.push(`${formatCount(tally.done)} done before`);
  const entries = formatCounted(tally.entries + tally.done, 'entry', 'entries');
  return `${removal === undefined ? '' : formatRemoval(removal)}${entries}: ${parts.join(', ')}.\n`;
}

function verbOf(action: ForecastAction): string {
  return action === 'unknown' ? 'unknown' : `to ${action}`;
}

export function forecastsLine(tally: ForecastTally, removal: RemovalPreview | undefined): string {
  const actions = forecastActions.filter((action) => action !== 'remove');
  const counts = Object.fromEntries(actions.map((action) => [action, tally.actions.get(action) ?? 0]));
  const { entries, identical, bytes, done } = tally;
  const sum = { entries: entries + done, done, ...counts, identical, bytes };
  return lineOf({ type: 'summary', ...sum, ...(removal === undefined ? {} : { remove: removal }) });
}

/** What would go, and what the limit says to it. */
export function formatRemoval({ entries, bytes, atMost, unreadable }: RemovalPreview): string {
  const verdict =
    unreadable > 0
      ? `none of it, as ${formatCounted(unreadable, 'entry', 'entries')} of the source could not be read`
      : entries > atMost
        ? `more than --max-delete allows: ${formatCount(atMost)}`
        : 'allowed';
  return `to remove:   ${formatCounted(entries, 'entry', 'entries')}, ${formatBytes(bytes)} (${verdict})\n`;
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
