/** What the content of a file can be hashed by; `xxh3` has 128 bits. */
export const algorithmWords = ['xxh3', 'blake3', 'sha256', 'sha1', 'md5'] as const;
export type Algorithm = (typeof algorithmWords)[number];

type AlgorithmFacts = {
  /** Hexadecimal digits of a digest. */
  readonly digits: number;
  /** What its tool writes before the name in the BSD style. */
  readonly tag: string;
  /** The tool that reads a manifest of it. */
  readonly tool: string;
};

export const algorithms: Readonly<Record<Algorithm, AlgorithmFacts>> = {
  xxh3: { digits: 32, tag: 'XXH128', tool: 'xxhsum' },
  blake3: { digits: 64, tag: 'BLAKE3', tool: 'b3sum' },
  sha256: { digits: 64, tag: 'SHA256', tool: 'sha256sum' },
  sha1: { digits: 40, tag: 'SHA1', tool: 'sha1sum' },
  md5: { digits: 32, tag: 'MD5', tool: 'md5sum' },
};

/** What a digest of so many digits is of where nobody says more; blake3 and md5 have to be said. */
export function algorithmOfDigits(digits: number): Algorithm | undefined {
  return (['xxh3', 'sha256', 'sha1'] as const).find((word) => algorithms[word].digits === digits);
}

export function algorithmOfTag(tag: string): Algorithm | undefined {
  return algorithmWords.find((word) => algorithms[word].tag === tag);
}
