import { leftOutNotes } from '../../model/fidelity.ts';
import { type Forecast, leftForecast } from '../../model/forecast.ts';
import { type AttributeChanges, hasChanges } from './attribute-changes.ts';
import { FileStatus } from './file-status.ts';
import { close } from './libc.ts';
import { findMending, hasSameTimes, type MendRequest, ownerToGive } from './mend-entry.ts';
import { modeFor, modeUnder } from './metadata.ts';
import { openSource } from './open-source.ts';
import { isAny, me, noteLosses } from './ownership.ts';
import { type JudgedPlace, type Judgement, judgeSpecial, judgeSymlink, loseDevice } from './put-other.ts';
import { isSameContent, noteOfLeft } from './same-content.ts';
import { sayChange, sayMetadata } from './say-metadata.ts';
import { SystemError } from './system-error.ts';

const source = new FileStatus();
const existing = new FileStatus();

/** What `putFile` would do. Throws the SystemError that it would fail with. */
export function foretellFile(place: JudgedPlace): Forecast {
  const { mayExist, destinationDirectory, sourceDirectory, name, sourceName, keeper } = place;
  if (!mayExist || existing.read(destinationDirectory, name) !== 0) {
    if (place.compare.existing) return leftForecast(leftOutNotes.missing);
    return copyOf(place, { action: 'copy', why: 'missing', detail: '' });
  }
  if (keeper.followsSymlinks) return foretellOpen(place);
  const isRegular = source.read(sourceDirectory, sourceName) === 0 && source.type === 'file';
  return isRegular ? foretellOther(place, undefined) : copyOf(place, differing(place));
}

/** What a symlink leads to is looked at when it is open. */
function foretellOpen(place: JudgedPlace): Forecast {
  const fd = openRegular(place);
  try {
    return foretellOther(place, fd);
  } finally {
    close(fd);
  }
}

function foretellOther(place: JudgedPlace, fd: number | undefined): Forecast {
  const note = noteOfLeft(source, existing, place);
  if (note !== undefined) return leftForecast(note);
  if (place.isDoubted || !isSameContent(place, source, existing)) return copyOf(place, differing(place));
  const mending = foretellMending({ place, status: source, source: fd, existing });
  return mending.action === 'copy' ? copyOf(place, mending) : mending;
}

/** Of what has the content of its source. */
export function foretellMending(request: MendRequest): Forecast {
  const { existing: there } = request;
  const mending = findMending(request);
  if (mending === 'none') return { action: 'skip', why: 'identical', detail: '' };
  if (mending === 'copy') return { action: 'copy', why: 'names', detail: '' };
  // chmod, chown and utimensat are for the owner
  if (me.uid !== 0 && there.uid !== me.uid) return { action: 'skip', why: 'foreign', detail: '' };
  const detail = sayMending(request, mending);
  // What is asked for cannot be kept
  if (detail === '') return { action: 'skip', why: 'identical', detail: '' };
  return { action: 'mend', why: 'metadata', detail };
}

function sayMending(request: MendRequest, changes: AttributeChanges): string {
  const { status, existing: there } = request;
  const { keeper } = request.place;
  const owner = ownerToGive(status, there, keeper);
  const given = {
    uid: owner.uid === -1 ? there.uid : status.uid,
    gid: owner.gid === -1 ? there.gid : status.gid,
  };
  // As mendEntry leaves it
  const left = isAny(owner) || hasChanges(changes) ? there.mode & ~0o6000 : there.mode;
  const mode = keeper.mode ? modeUnder(given, modeFor(status, keeper, changes.droppedAcl), status) : left;
  return sayMetadata({
    source: status,
    existing: there,
    owner,
    mode: status.type === 'symlink' ? undefined : mode,
    hasSameTimes: hasSameTimes(request),
    changes,
  });
}

/** In what a file of the destination is another than the source's, by the test that was asked for. */
function differing({ compare, isDoubted }: JudgedPlace): Forecast {
  if (existing.type !== 'file') return { action: 'replace', why: 'type', detail: existing.type };
  const copy = (why: string, detail = '') => ({ action: 'copy', why, detail }) as const;
  if (isDoubted) return copy('doubted');
  if (source.bytes !== existing.bytes) return copy('size', `${existing.bytes} -> ${source.bytes}`);
  if (compare.by === 'tail') return copy('tail', `${compare.tailBytes} bytes`);
  return compare.by === 'mtime' ? copy('mtime', sayChange(existing, source)) : copy('content');
}

/** What is copied must be readable, may not lose what is required, and does not take the place of a directory. */
function copyOf(place: JudgedPlace, forecast: Forecast): Forecast {
  close(openRegular(place));
  noteLosses(source, place.keeper);
  return refuseDirectory(forecast);
}

function refuseDirectory(forecast: Forecast): Forecast {
  if (forecast.action === 'replace' && forecast.detail === 'directory')
    throw new SystemError('EISDIR', 'rename');
  return forecast;
}

function openRegular({ sourceDirectory, sourceName, keeper }: JudgedPlace): number {
  const fd = openSource(sourceDirectory, sourceName, keeper.followsSymlinks);
  if (source.readOpen(fd, 'look at source').type === 'file') return fd;
  close(fd);
  throw new SystemError('CHANGED', 'open source');
}

/** What `putSymlink` would do. Throws the SystemError that it would fail with. */
export function foretellSymlink(place: JudgedPlace): Forecast {
  return foretellJudged(place, judgeSymlink(place), 'target');
}

/** What `putSpecial` would do. Throws the SystemError that it would fail with. */
export function foretellSpecial(place: JudgedPlace): Forecast {
  const judged = judgeSpecial(place);
  const forecast = foretellJudged(place, judged, 'device');
  const isMade = forecast.action === 'copy' || forecast.action === 'replace';
  if (!isMade || judged.kind === 'left' || !judged.status.isDevice || me.uid === 0) return forecast;
  loseDevice(place.keeper);
  return leftForecast(leftOutNotes.device);
}

function foretellJudged(place: JudgedPlace, judged: Judgement, another: string): Forecast {
  if (judged.kind === 'left') return leftForecast(judged.note);
  const { status, existing: there } = judged;
  if (judged.kind === 'same') return foretellMending({ place, status, existing: there });
  noteLosses(status, place.keeper);
  if (judged.kind === 'missing') return { action: 'copy', why: 'missing', detail: '' };
  if (there.type !== status.type)
    return refuseDirectory({ action: 'replace', why: 'type', detail: there.type });
  return { action: 'copy', why: another, detail: '' };
}
