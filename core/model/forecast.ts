import { leftOutNotes } from './fidelity.ts';

/** What would become of one entry, as --dry-run tells it. `unknown`: what keeps its owner out is opened only by a copy. */
export const forecastActions = [
  'make',
  'copy',
  'replace',
  'mend',
  'link',
  'skip',
  'fail',
  'remove',
  'unknown',
] as const;
export type ForecastAction = (typeof forecastActions)[number];

/** `why` is one word of those below, or the cause of a failure; `detail` is for people, and may be empty. */
export type Forecast = {
  readonly action: ForecastAction;
  readonly why: string;
  readonly detail: string;
};

/** Why entries are left as they are, or left out: what JOBID.log notes of them. */
const leftWhys = new Map<string, string>([
  [leftOutNotes.newer, 'newer'],
  [leftOutNotes.there, 'there'],
  [leftOutNotes.missing, 'absent'],
  [leftOutNotes.symlink, 'symlink'],
  [leftOutNotes.device, 'no-root'],
]);

/** Reasons of what has nothing at the destination, and will have nothing. */
export const leftOutWhys: readonly string[] = ['absent', 'symlink', 'no-root'];

/** Of what is left, by the note of it. */
export function leftForecast(note: string): Forecast {
  return { action: 'skip', why: leftWhys.get(note) ?? note, detail: '' };
}

/** Why something is copied, made, mended or linked, or is not. */
export const forecastReasons = new Map<string, string>([
  ...Array.from(leftWhys, ([note, why]) => [why, note] as const),
  ['missing', 'not there'],
  ['type', 'something else is there'],
  ['size', 'size differs'],
  ['mtime', 'mtime differs'],
  ['tail', 'its end differs'],
  ['content', 'content differs'],
  ['target', 'it leads elsewhere'],
  ['device', 'another device'],
  ['doubted', 'what is there is not believed to be a copy'],
  ['names', 'what differs cannot be mended, as it has further names elsewhere'],
  ['metadata', ''],
  ['link', 'to'],
  ['identical', 'identical'],
  ['foreign', 'not mended: it belongs to somebody else'],
  ['vanished', 'gone from the source'],
  ['extra', 'not at the source'],
  ['closed', 'its directory at the destination keeps its owner out, which the copy opens'],
]);

/** One line's text after the path: `size differs (12 -> 15)`. */
export function sayWhy({ action, why, detail }: Forecast): string {
  if (action === 'fail' || why === 'metadata') return detail;
  if (why === 'link') return `to ${detail}`;
  const reason = forecastReasons.get(why) ?? why;
  return detail === '' ? reason : `${reason} (${detail})`;
}
