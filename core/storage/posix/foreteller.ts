import { meaningOf } from '../../model/advice.ts';
import type { Comparison } from '../../model/compare.ts';
import { type Entry, joinPath } from '../../model/entry.ts';
import type { Fidelity } from '../../model/fidelity.ts';
import { type Forecast, type ForecastAction, leftForecast } from '../../model/forecast.ts';
import { lookAtDirectory, readSource } from './complete-directory.ts';
import { outcomeOf } from './entry-outcome.ts';
import { foretellFile, foretellSpecial, foretellSymlink } from './foretell-entry.ts';
import { foretellLink } from './foretell-link.ts';
import { Keeper } from './keeper.ts';
import { nativeName } from './libc.ts';
import { LookedTrees, type LookedTreesRequest } from './looked-trees.ts';
import { modeFor } from './metadata.ts';
import { mayGive, me, signed } from './ownership.ts';
import type { JudgedPlace } from './put-other.ts';
import { keepsWhatIsThere, noteOfLeftDirectory } from './same-content.ts';
import { sayMetadata } from './say-metadata.ts';
import { SystemError } from './system-error.ts';

export type ForetellerRequest = Omit<LookedTreesRequest, 'followsSymlinks' | 'directoryRules'> & {
  readonly fidelity: Fidelity;
  readonly compare: Comparison;
  /** True: a file that is there is copied again, however much it looks like a copy. */
  readonly doubtsFiles: boolean;
};

/** An entry and where it lies; a directory's name is empty. */
export type EntryToForetell = {
  readonly kind: Entry['kind'];
  readonly directory: string;
  readonly name: string;
  /** Of what is unreadable. */
  readonly errno?: string;
  /** Of a further name: the first. */
  readonly first?: EntryToForetell;
  /** True of a file that is copied again whatever is there. */
  readonly isForced?: boolean;
};

const making: readonly ForecastAction[] = ['make', 'copy', 'replace', 'link'];

const foretold = { file: foretellFile, symlink: foretellSymlink, special: foretellSpecial };

/**
 * Tells of one entry after the other what a copy would do, by the rules of those that copy, and touches nothing. What
 * only writing can tell it cannot know: no room, what a file system does not keep.
 */
export class Foreteller {
  readonly #request: ForetellerRequest;
  readonly #keeper: Keeper;
  readonly #trees: LookedTrees;
  /** A second way, for first names. */
  readonly #firsts: LookedTrees;

  /** Throws a SystemError when the source is missing. */
  constructor(request: ForetellerRequest) {
    this.#request = request;
    const { compare } = request;
    this.#keeper = new Keeper(request.fidelity, () => {});
    const { followsSymlinks } = this.#keeper;
    const directoryRules = { makesNone: compare.existing, replacesNothing: keepsWhatIsThere(compare) };
    this.#trees = new LookedTrees({ ...request, followsSymlinks, directoryRules });
    this.#firsts = new LookedTrees({ ...request, followsSymlinks, directoryRules });
  }

  foretell(entry: EntryToForetell): Forecast {
    return this.#guarded(entry, () => this.#unlessClosed(entry, this.#foretell(entry)));
  }

  close(): void {
    this.#trees.close();
    this.#firsts.close();
  }

  #foretell(entry: EntryToForetell): Forecast {
    if (entry.kind === 'directory') return this.#ofDirectory(entry.directory);
    return entry.first === undefined ? this.#ofEntry(entry, this.#trees) : this.#ofLink(entry, entry.first);
  }

  /** What is to be made needs a directory in which it may be made. */
  #unlessClosed({ kind, directory }: EntryToForetell, forecast: Forecast): Forecast {
    if (!making.includes(forecast.action)) return forecast;
    const isTop = kind === 'directory' && directory === '';
    const slash = directory.lastIndexOf('/');
    const parent = kind === 'directory' ? directory.slice(0, Math.max(0, slash)) : directory;
    if (isTop || !this.#trees.isClosed(parent)) return forecast;
    throw new SystemError('EACCES', 'create');
  }

  #guarded({ directory, name }: EntryToForetell, foretell: () => Forecast): Forecast {
    try {
      return foretell();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return this.#failure(joinPath(directory, name), error);
    }
  }

  #failure(path: string, error: SystemError): Forecast {
    const note = noteOfLeftDirectory(error, this.#request.compare);
    if (note !== undefined) return leftForecast(note);
    if (error.cause === 'LOCKED') return { action: 'unknown', why: 'closed', detail: '' };
    const entry = { ordinal: 0, path, bytes: 0 };
    const { outcome, cause } = outcomeOf(entry, error, this.#trees.source.isAsScanned(path));
    if (outcome === 'vanished') return { action: 'skip', why: 'vanished', detail: '' };
    return { action: 'fail', why: cause, detail: meaningOf(cause) };
  }

  #ofEntry({ kind, directory, name, errno, isForced }: EntryToForetell, trees: LookedTrees): Forecast {
    if (kind === 'unreadable') return this.#ofUnreadable(directory, errno);
    if (kind === 'directory' || kind === 'link') throw new RangeError(`no ${kind} can be a first name`);
    const isDoubted = kind === 'file' && (this.#request.doubtsFiles || isForced === true);
    return foretold[kind]({ ...this.#place(directory, name, trees), isDoubted });
  }

  /** What is unreadable fails also where its directory would be left as it is. */
  #ofUnreadable(directory: string, errno = 'EIO'): Forecast {
    this.#trees.sourceDirectory(directory);
    const cause = this.#trees.destinationDirectory(directory);
    const isClosed = cause instanceof SystemError && cause.cause !== 'LOCKED';
    const { cause: why } = isClosed ? cause : { cause: errno };
    return { action: 'fail', why, detail: meaningOf(why) };
  }

  #place(directory: string, name: string, trees: LookedTrees): JudgedPlace {
    const { compare } = this.#request;
    const source = trees.sourcePlace(directory, name);
    const there = trees.destinationDirectory(directory);
    if (there instanceof SystemError) throw there;
    return {
      sourceDirectory: source.directory,
      sourceName: source.name,
      destinationDirectory: typeof there === 'number' ? there : -1,
      mayExist: typeof there === 'number',
      name: nativeName(name),
      keeper: this.#keeper,
      compare,
      isDoubted: false,
    };
  }

  /** A further name is made when its first name is there, or copied in its stead. */
  #ofLink(entry: EntryToForetell, first: EntryToForetell): Forecast {
    const firstForecast = this.#guarded(first, () => this.#ofEntry(first, this.#firsts));
    const { action, why } = firstForecast;
    if (action === 'fail' || action === 'unknown') return firstForecast;
    const asItself = () => this.#ofEntry({ ...entry, kind: first.kind }, this.#trees);
    if (why === 'vanished') return asItself();
    const there = this.#firsts.destinationDirectory(first.directory);
    if (there instanceof SystemError) throw there;
    return foretellLink({
      place: this.#place(entry.directory, entry.name, this.#trees),
      first: this.#place(first.directory, first.name, this.#firsts),
      firstForecast,
      firstPath: joinPath(first.directory, first.name),
      asItself,
    });
  }

  #ofVirtualTop(): Forecast {
    const isThere = typeof this.#trees.destinationDirectory('') === 'number';
    return isThere
      ? { action: 'skip', why: 'identical', detail: '' }
      : { action: 'make', why: 'missing', detail: '' };
  }

  /** What `completeDirectory` would do, after all that is in it is copied. */
  #ofDirectory(path: string): Forecast {
    const { compare } = this.#request;
    const keeper = this.#keeper;
    // As it stands for what holds the roots
    if (path === '' && this.#trees.source.isVirtual) return this.#ofVirtualTop();
    const place = readSource(this.#trees, path, keeper.followsSymlinks);
    const fd = this.#trees.destinationDirectory(path);
    if (fd instanceof SystemError) throw fd;
    if (fd === 'in the way') return { action: 'replace', why: 'type', detail: '' };
    if (fd === 'missing') return { action: 'make', why: 'missing', detail: '' };
    const { source, destination, changes, isEqual } = lookAtDirectory(place, { fd }, { keeper, compare });
    if (isEqual) return { action: 'skip', why: 'identical', detail: '' };
    if (me.uid !== 0 && destination.uid !== me.uid) throw new SystemError('EPERM', 'set mode');
    const uid = me.uid === 0 && keeper.owner && destination.uid !== source.uid ? signed(source.uid) : -1;
    const givesGroup = keeper.owner && destination.gid !== source.gid && mayGive(source.gid);
    const detail = sayMetadata({
      source,
      existing: destination,
      owner: { uid, gid: givesGroup ? signed(source.gid) : -1 },
      mode: modeFor(source, keeper, changes.droppedAcl),
      hasSameTimes: !keeper.times || destination.hasSameMtimeAs(source, compare.windowSeconds),
      changes,
    });
    return { action: 'mend', why: 'metadata', detail };
  }
}
