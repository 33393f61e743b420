/**
 * What the copy of a file, or of a range of it, has read: what the version of its source, as text, and the content hash to,
 * by xxh3 in hexadecimal digits. It says nothing of a source of another version.
 */
export type SourceDigest = { readonly version: string; readonly digest: string };

/** The digest of a whole file, by its ordinal. */
export type EntryDigest = SourceDigest & { readonly ordinal: number };
