/** In what two entries of one path can differ, in the order in which it is told. */
export const differenceKinds = [
  'missing',
  'extra',
  'type',
  'size',
  'content',
  'link-target',
  'hard-links',
  'holes',
  'mode',
  'owner',
  'mtime',
  'xattr',
  'acl',
  'unreadable',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/** One thing in which a destination is not like its source; `detail` is for people. */
export type Difference = {
  readonly kind: DifferenceKind;
  /** Below both trees, as text that stands for bytes; `''` is the tree itself. */
  readonly path: string;
  readonly detail: string;
};

/** How a copy is compared with its source, as --verify of a copy says it. */
export const verifyWords = ['none', 'size', 'checksum'] as const;

/** How two files are found to hold the same: by their sizes, by sizes and times, or byte by byte. */
export const proofWords = ['size', 'mtime', 'checksum'] as const;
export type ProofWord = (typeof proofWords)[number];
