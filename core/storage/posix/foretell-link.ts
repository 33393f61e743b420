import { type Forecast, leftForecast, leftOutWhys } from '../../model/forecast.ts';
import { FileStatus } from './file-status.ts';
import { hasOtherContent } from './put-link.ts';
import type { JudgedPlace } from './put-other.ts';
import { keepsWhatIsThere, noteOfLeft } from './same-content.ts';
import { check, SystemError } from './system-error.ts';

const first = new FileStatus();
const firstSource = new FileStatus();
const existing = new FileStatus();
const source = new FileStatus();

export type LinkToForetell = {
  readonly place: JudgedPlace;
  readonly first: JudgedPlace;
  readonly firstPath: string;
  readonly firstForecast: Forecast;
  /** What would become of the name as an entry of its own. */
  readonly asItself: () => Forecast;
};

/** What `putLink` would do when its first name is done, or `putInsteadOfLink`. Throws the SystemError that it would fail with. */
export function foretellLink(link: LinkToForetell): Forecast {
  const { place, firstForecast, firstPath } = link;
  if (firstForecast.action === 'skip' && leftOutWhys.includes(firstForecast.why)) return link.asItself();
  const found = place.mayExist && existing.read(place.destinationDirectory, place.name) === 0;
  const stays = firstForecast.action === 'skip' || firstForecast.action === 'mend';
  if (stays) check(first.read(link.first.destinationDirectory, link.first.name), 'look at the first name');
  if (found && stays && existing.isSameFileAs(first)) return { action: 'skip', why: 'identical', detail: '' };
  const note = noteOfKept(link, found, stays);
  if (note !== undefined) return leftForecast(note);
  if (stays && keepsWhatIsThere(place.compare) && isOther(link)) return link.asItself();
  if (found && existing.type === 'directory') throw new SystemError('EISDIR', 'rename');
  return { action: 'link', why: 'link', detail: firstPath };
}

/** The note of what keeps its name, as it is compared with the first name when that is done. */
function noteOfKept(link: LinkToForetell, found: boolean, stays: boolean): string | undefined {
  const { compare, keeper } = link.place;
  // What is written now, and keeps no times, is newer than all that is there
  const isNewest = !stays && !keeper.times;
  const rules = { compare: isNewest ? { ...compare, update: false } : compare, keeper, isDoubted: false };
  return noteOfLeft(firstWhenDone(link, stays), found ? existing : undefined, rules);
}

/** What is there when that stays as it is, else its source. */
function firstWhenDone(
  { first: place, firstForecast: { action } }: LinkToForetell,
  stays: boolean,
): FileStatus {
  if (stays && !(action === 'mend' && place.keeper.times)) return first;
  check(readSource(place, firstSource), 'look at source');
  return firstSource;
}

function isOther(link: LinkToForetell): boolean {
  const isThere = readSource(link.place, source) === 0;
  return isThere && hasOtherContent(firstWhenDone(link, true), source, link.place);
}

function readSource({ sourceDirectory, sourceName, keeper }: JudgedPlace, status: FileStatus): number {
  return keeper.followsSymlinks
    ? status.readFollowed(sourceDirectory, sourceName)
    : status.read(sourceDirectory, sourceName);
}
