import type { SourceDigest } from '../../model/source-digest.ts';
import type { HashedAnswer } from './compare-jobs.ts';
import { digestOfText } from './content-digest.ts';
import { withDestination } from './entry-sides.ts';
import type { FileStatus } from './file-status.ts';
import { hashContent } from './hash-content.ts';
import type { SourcePlace } from './source-tree.ts';

/** A file whose status was just read on both sides, and a range of it. */
export type DigestPlace = {
  readonly source: FileStatus;
  readonly destination: SourcePlace & { readonly status: FileStatus };
  readonly from: number;
  readonly to: number;
  readonly isFresh: boolean;
};

/** Compares what the destination has with what a copy has read of the source, which is not read again. Throws a SystemError. */
export function compareDigest(known: SourceDigest, place: DigestPlace): HashedAnswer['is'] {
  const { source, destination, ...range } = place;
  if (digestOfText(source.version) !== known.version) return 'unknown';
  const { bytes, allocatedBytes } = destination.status;
  const how = { ...range, maySkipHoles: allocatedBytes < bytes };
  const digest = withDestination(destination, (fd) => hashContent(fd, how));
  return digest === known.digest ? 'same' : 'other';
}
