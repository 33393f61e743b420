import { type Algorithm, algorithmOfTag, algorithms } from './algorithm.ts';

/** A line of a manifest: a file below the tree and its digest, as text that stands for bytes. */
export type ManifestLine = {
  readonly path: string;
  readonly digest: string;
  /** Where the line itself says it. */
  readonly algorithm: Algorithm | undefined;
};

/** What each tool escapes when it writes; when it reads, it takes the others as they are. */
const escapedBy: Readonly<Record<Algorithm, RegExp>> = {
  // Only what it cannot do without: before 0.8.2 xxhsum takes a backslash as it is
  xxh3: /\n/,
  // A carriage return is none of its escapes
  blake3: /[\n\\]/,
  sha256: /[\n\r\\]/,
  sha1: /[\n\r\\]/,
  md5: /[\n\r\\]/,
};

/** The line without its end; the algorithm's own tool reads it. */
export function formatManifestLine(algorithm: Algorithm, digest: string, path: string): string {
  if (!escapedBy[algorithm].test(path)) return `${digest}  ${path}`;
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `\\${digest}  ${algorithm === 'blake3' ? escaped : escaped.replaceAll('\r', '\\r')}`;
}

/** False for a name that the tool cannot read, however it is written. */
export function isReadByTool(algorithm: Algorithm, path: string): boolean {
  if (algorithm === 'blake3') return path.isWellFormed();
  return algorithm !== 'xxh3' || !path.includes('\n');
}

const plain = /^(\\?)([0-9a-f]+) [ *](.+)$/is;
const tagged = /^(\\?)([A-Z0-9]+) \((.+)\) = ([0-9a-f]+)$/is;

/** Reads a line of bcopy's or of one of the tools, in their BSD style too; why not, where it is none. */
export function parseManifestLine(line: string): ManifestLine | string {
  const [, escapedTag, tag, taggedName, taggedDigest] = tagged.exec(line) ?? [];
  if (tag !== undefined) {
    const algorithm = algorithmOfTag(tag);
    if (algorithm === undefined) return `there is no algorithm ${tag} here`;
    return withPath(taggedName!, escapedTag === '\\', { digest: taggedDigest!, algorithm });
  }
  const [, escaped, digest, name] = plain.exec(line) ?? [];
  if (digest === undefined) return 'it is no line of a manifest';
  return withPath(name!, escaped === '\\', { digest, algorithm: undefined });
}

function withPath(
  name: string,
  isEscaped: boolean,
  { digest, algorithm }: Pick<ManifestLine, 'digest' | 'algorithm'>,
): ManifestLine | string {
  const path = isEscaped ? withoutEscapes(name) : name;
  if (path === undefined) return 'a backslash in it begins no escape';
  if (path.startsWith('/')) return 'its path is absolute';
  const names = path.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) return 'its path leads out of the tree, by ..';
  if (names.length === 0 || path.includes('\0')) return 'its path is none of a file';
  if (!digitsOf(algorithm).includes(digest.length))
    return `a digest of ${digest.length} digits is none known`;
  return { path: names.join('/'), digest: digest.toLowerCase(), algorithm };
}

function digitsOf(algorithm: Algorithm | undefined): number[] {
  return algorithm === undefined
    ? Object.values(algorithms).map(({ digits }) => digits)
    : [algorithms[algorithm].digits];
}

const meanings = new Map([
  ['\\\\', '\\'],
  ['\\n', '\n'],
  ['\\r', '\r'],
]);

function withoutEscapes(name: string): string | undefined {
  let isWhole = true;
  const path = name.replace(/\\(.?)/gs, (found) => {
    const meaning = meanings.get(found);
    if (meaning === undefined) isWhole = false;
    return meaning ?? '';
  });
  return isWhole ? path : undefined;
}
