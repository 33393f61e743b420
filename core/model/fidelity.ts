/** What of an entry can be kept, as --preserve says it; `links` are hard links. */
export const keepWords = ['owner', 'mode', 'times', 'xattr', 'acl', 'links'] as const;
export type KeepWord = (typeof keepWords)[number];

/** What a destination may be unable to keep, as --require says it. */
export const lossWords = ['owner', 'xattr', 'acl', 'links', 'device', 'flags'] as const;
export type LossWord = (typeof lossWords)[number];

export const symlinkWords = ['copy', 'follow', 'skip'] as const;
export type SymlinkWord = (typeof symlinkWords)[number];

/** Notes of entries that count as skipped though the destination may hold nothing of them. */
export const leftOutNotes = {
  symlink: 'symlink left out',
  device: 'device not made: needs root',
  newer: 'newer at the destination: left as it is',
  there: 'at the destination already: left as it is',
  missing: 'not at the destination: left out',
} as const;

/** How like its source a copy is to be. */
export type Fidelity = {
  readonly keep: readonly KeepWord[];
  /** A loss of these fails the entry (`NOT_KEPT`); any other is counted and told once. */
  readonly require: readonly LossWord[];
  readonly symlinks: SymlinkWord;
};

/** What a copy keeps when nobody says otherwise. */
export const fullFidelity: Fidelity = { keep: keepWords, require: [], symlinks: 'copy' };
