import { fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { type Algorithm, algorithmOfDigits, algorithms } from '../../core/model/algorithm.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { parseManifestLine } from '../../core/model/manifest-line.ts';
import { fromBytes, quoteName, toBytes } from '../../core/model/names.ts';
import type { NamedFile } from '../../core/storage/posix/hash-jobs.ts';

/** A file that a manifest names, with what its content must hash to. */
export type ManifestFile = NamedFile & { readonly algorithm: Algorithm; readonly digest: string };

const blockBytes = 1 << 20;
const newline = 10;

/** A manifest, read block by block and as often as is asked: memory does not grow with it, but for one that is a pipe. */
export class ManifestReader {
  readonly #given: string;
  readonly #algorithm: Algorithm | undefined;
  readonly #fd: number;
  /** All of what cannot be read twice. */
  readonly #content: Uint8Array | undefined;

  /** `algorithm` is that of lines that do not say theirs. */
  constructor(path: string, algorithm: Algorithm | undefined) {
    this.#given = path;
    this.#algorithm = algorithm;
    try {
      this.#fd = openSync(Buffer.from(toBytes(path)), 'r');
      this.#content = fstatSync(this.#fd).isFile() ? undefined : readFileSync(this.#fd);
    } catch (error) {
      throw this.#refuse((error as Error).message);
    }
  }

  /** Throws a BcopyError at the first line that cannot be used, with its number. */
  *files(): Generator<ManifestFile> {
    let number = 0;
    for (const { line, hasEnd } of this.#lines()) {
      number++;
      if (!hasEnd) throw this.#refuse(`line ${number} is torn: it has no end`);
      const text = fromBytes(line);
      if (text === '' || text.startsWith('#')) continue;
      const file = this.#understand(text);
      if (typeof file === 'string') throw this.#refuse(`line ${number}: ${file}`);
      yield file;
    }
  }

  #understand(text: string): ManifestFile | string {
    const line = parseManifestLine(text);
    if (typeof line === 'string') return line;
    const { path, digest } = line;
    const algorithm = line.algorithm ?? this.#algorithm ?? algorithmOfDigits(digest.length)!;
    if (algorithms[algorithm].digits !== digest.length) return `its digest is none of ${algorithm}`;
    const slash = path.lastIndexOf('/');
    return { directory: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1), algorithm, digest };
  }

  *#lines(): Generator<{ line: Uint8Array; hasEnd: boolean }> {
    let rest: Uint8Array = new Uint8Array();
    for (const block of this.#blocks()) {
      let from = 0;
      for (let end = block.indexOf(newline); end >= 0; end = block.indexOf(newline, from)) {
        const line = block.subarray(from, end);
        yield { line: rest.length === 0 ? line : Buffer.concat([rest, line]), hasEnd: true };
        rest = new Uint8Array();
        from = end + 1;
      }
      rest = Buffer.concat([rest, block.subarray(from)]);
      if (rest.length > blockBytes) break;
    }
    if (rest.length > 0) yield { line: rest, hasEnd: false };
  }

  *#blocks(): Generator<Uint8Array> {
    if (this.#content !== undefined) return yield this.#content;
    const block = new Uint8Array(blockBytes);
    for (let at = 0; ; ) {
      const bytes = readSync(this.#fd, block, 0, blockBytes, at);
      if (bytes === 0) return;
      yield block.subarray(0, bytes);
      at += bytes;
    }
  }

  #refuse(why: string): BcopyError {
    return new BcopyError('usage', `cannot use the manifest ${quoteName(this.#given)}: ${why}`);
  }
}
