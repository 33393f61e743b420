/** Where goes what the source does not have: into the trash of the run, or away for good. */
export const deleteWords = ['trash', 'now'] as const;
export type DeleteWord = (typeof deleteWords)[number];

/** The directory in the root of a destination that holds what runs have taken away, each in one of its own. */
export const trashDirectory = '.bcopy-trash';

/** A name in a directory of the destination that the source does not have. */
export type Candidate = { readonly path: string; readonly kind: 'directory' | 'other' };

/** What is to go with one name: itself and all below it. */
export type Extra = Candidate & { readonly entries: number; readonly bytes: number };

/** Something that was not looked at, or could not be taken away; all else goes on. */
export type Kept = { readonly path: string; readonly cause: string; readonly action: string };

/** True of what must stay although the source does not have it; a directory that holds such stays too. */
export type IsSafe = (path: string, kind: Candidate['kind']) => boolean;

/** A destination in which names are looked for that its source does not have. */
export interface ExtraStorage {
  /**
   * The names of one directory of the destination, some at a time: memory does not grow with the directory. Of directories
   * only those that the source does not have at this moment. None where the directory is gone from either tree; else it
   * throws what is in the way.
   */
  candidates(directory: string): Iterable<readonly Candidate[]>;
  /** True when the source does not have such a name at this moment. A call to the source, which may take long. */
  isStillExtra(candidate: Candidate): boolean;
  /** True when two names of the destination are one and the same: its file system takes one for the other. */
  isSameName(path: string, other: string): boolean;
  /** What is to go with a name. Where something below it has to stay, what can go is given by itself. */
  extrasAt(candidate: Candidate): Iterable<Extra | Kept>;
}

/** How much may go: so many entries, or a part of all that are at the destination. */
export type RemovalLimit = { readonly entries: number } | { readonly percent: number };

/** Reads `N` or `N%`; undefined for what is neither. */
export function parseRemovalLimit(text: string): RemovalLimit | undefined {
  const [, number, percent] = /^(\d{1,15}(?:\.\d{1,6})?)(%)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  if (percent !== undefined) return Number(number) <= 100 ? { percent: Number(number) } : undefined;
  return number.includes('.') ? undefined : { entries: Number(number) };
}

/** So many entries may go. At the destination are those of the plan, and `extras` that the source does not have. */
export function removableAtMost(limit: RemovalLimit, planned: number, extras: number): number {
  return 'entries' in limit ? limit.entries : Math.floor(((planned + extras) * limit.percent) / 100);
}

/** True of a limit that lets everything go. */
export function allowsAll(limit: RemovalLimit): boolean {
  return 'percent' in limit && limit.percent === 100;
}

/**
 * True of names that bcopy itself gives at a destination, of any run: the trash, runs, and files that are not whole yet; also of a
 * destination that lies in another.
 */
export function isOwnName(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (`/${path}/`.includes(`/${trashDirectory}/`) || name === '.bcopy') return true;
  return /^\.bcopy\.[\w-]+\.\d+\.(\d+-\d+-\d+|parts)$/.test(name);
}
