import type { DifferenceKind, ProofWord } from '../../model/difference.ts';
import type { KeepWord } from '../../model/fidelity.ts';
import type { SourceDigest } from '../../model/source-digest.ts';
import type { SourceRoot } from '../../model/source-root.ts';
import type { SharedLimits } from './limits.ts';

/** What a thread has to know to compare two trees. The descriptors are the whole process's. */
export type Comparison = {
  /** Open directories, the roots of the trees; or what a run has copied, which each thread opens for itself. */
  readonly source: number | readonly SourceRoot[];
  readonly destination: number;
  readonly by: ProofWord;
  /** What of entries must be the same, as `--preserve` has it. */
  readonly keep: readonly KeepWord[];
  /** Seconds by which mtimes may differ that count as the same. */
  readonly modifyWindow: number;
  /** The destination is read from its disk, not from what memory holds of it. */
  readonly isFresh: boolean;
  /** True: jobs may come with digests, which need to be prepared for. */
  readonly knowsDigests?: boolean;
  /** Left out: as fast as it goes. */
  readonly limits?: SharedLimits | undefined;
};

/** Entries of both trees with the same names, directory by directory; `.` in `''` are the roots. */
export type EntriesJob = {
  readonly kind: 'entries';
  readonly groups: readonly { readonly directory: string; readonly names: readonly string[] }[];
  /** Of the content that was copied, by the index of the name. Left out: of none. */
  readonly digests?: ReadonlyMap<number, SourceDigest>;
};

/** A range of a file that is so large, or has so many names, that it was left. */
export type RangeJob = {
  readonly kind: 'range';
  readonly directory: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
};

/** The same of what a copy has hashed: the destination alone is read, as long as the source is of that version. */
export type HashedJob = Omit<RangeJob, 'kind'> & { readonly kind: 'hashed'; readonly source: SourceDigest };

/** A further name of a file, and the first. */
export type NamedTwice = {
  readonly directory: string;
  readonly name: string;
  readonly firstDirectory: string;
  readonly firstName: string;
};

/** Are they names of one file at the destination, where they are in the source? */
export type LinksJob = { readonly kind: 'links'; readonly links: readonly NamedTwice[] };

export type CompareJob = EntriesJob | RangeJob | HashedJob | LinksJob;

/** `index` counts the names of all groups of the job. */
export type Finding = { readonly index: number; readonly kind: DifferenceKind; readonly detail: string };

export type InodeOfMany = {
  readonly device: string;
  readonly low: number;
  readonly high: number;
  readonly names: number;
};

/** A file that has several names on one side or on both. */
export type LinkedPair = {
  readonly index: number;
  readonly source: InodeOfMany;
  readonly destination: InodeOfMany;
};

export type EntriesAnswer = {
  readonly findings: readonly Finding[];
  readonly linked: readonly LinkedPair[];
  /** Files whose content is still to be compared. */
  readonly contents: readonly { readonly index: number; readonly bytes: number }[];
  /** What was compared. */
  readonly bytes: number;
  /** What of that was compared with digests. */
  readonly hashed: number;
  /** How many files had another digest, and the same content on both sides: they were read otherwise when they were copied. */
  readonly otherwise: number;
};

/** `right`: of one file in both trees; `wrong`: only in the source. Else it is to be looked at like any entry. */
export type LinksAnswer = { readonly links: readonly ('right' | 'wrong' | 'unknown')[] };

/** `unknown`: the source is of another version, or the destination cannot be read. */
export type HashedAnswer = { readonly is: 'same' | 'other' | 'unknown' };

export type RangeAnswer = {
  /** The first byte that differs, or -1. */
  readonly at: number;
  /** Why a side could not be read. */
  readonly unreadable: string | undefined;
};
