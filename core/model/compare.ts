/** By what a file that is there already is known to be a copy, beside its type and size, as --compare says it. */
export const compareWords = ['size', 'mtime', 'tail', 'checksum'] as const;
export type CompareWord = (typeof compareWords)[number];

/** When an entry is copied though something has its name at the destination, and when it is not though nothing has. */
export type Comparison = {
  readonly by: CompareWord;
  /** Times that differ by no more are the same. */
  readonly windowSeconds: number;
  /** What `tail` compares: so many bytes at the end. */
  readonly tailBytes: number;
  /** What is newer than the source's stays. */
  readonly update: boolean;
  /** Whatever is there stays. */
  readonly ignoreExisting: boolean;
  /** What is not there is left out. */
  readonly existing: boolean;
};

/** How files are compared when nobody says otherwise. */
export const byTime: Comparison = {
  by: 'mtime',
  windowSeconds: 0,
  tailBytes: 65_536,
  update: false,
  ignoreExisting: false,
  existing: false,
};

/** True when what the scan saw of a file can tell that its copy is one: no content is read, and nothing is said of what is left. */
export function isKnownByStamp({ by, ignoreExisting }: Comparison): boolean {
  return (by === 'mtime' || by === 'size') && !ignoreExisting;
}

/** The note of entries that needed no copy of their content, but something else. */
export const mendedNote = 'metadata mended';
