import { existsSync, mkdirSync } from 'node:fs';
import type { Algorithm } from '../core/model/algorithm.ts';
import { RangeSet } from '../core/model/ranges.ts';
import { byPath, type PathDigest, writeDigests } from '../core/run/digest-file.ts';
import type { DigestsLine, UnhashedLine } from '../core/run/hash-lines.ts';
import type { JournalName, RunPaths } from '../core/run/run-paths.ts';

/** So many digests are kept in memory until they are written. */
const digestsAtOnce = 50_000;

/** Whose digests these are, and how often they are to be written at least. */
export type BookOwner = {
  readonly paths: RunPaths;
  readonly name: JournalName;
  readonly algorithm: Algorithm;
  readonly checkpointMs: number;
};

/** What a worker has hashed and not recorded yet; entries are settled in the order of the tape. */
export class DigestBook {
  readonly #owner: BookOwner;
  #digests: PathDigest[] = [];
  #unhashed: UnhashedLine[] = [];
  readonly #failed = new RangeSet();
  #bytes = 0;
  #next: number;
  #to: number;
  #last = Date.now();
  #pieces = 0;

  /** `from` is the first entry that it is for. */
  constructor(owner: BookOwner, from: number) {
    this.#owner = owner;
    [this.#next, this.#to] = [from, from];
  }

  hasFailed = false;

  /** Everything before this entry is settled. */
  settle(to: number): void {
    this.#to = Math.max(this.#to, to);
  }

  hashed(digest: PathDigest, bytes: number): void {
    this.#digests.push(digest);
    this.#bytes += bytes;
  }

  failed(unhashed: Omit<UnhashedLine, 'type'>): void {
    this.hasFailed = true;
    this.#unhashed.push({ type: 'unhashed', ...unhashed });
    this.#failed.add(unhashed.ordinal, unhashed.ordinal + 1);
  }

  get isDue(): boolean {
    return this.#digests.length >= digestsAtOnce || Date.now() - this.#last >= this.#owner.checkpointMs;
  }

  /** Puts what is settled on disk, and returns the lines that tell it. */
  write(): (DigestsLine | UnhashedLine)[] {
    const ranges = this.#failed
      .missingIn(this.#next, this.#to)
      .map(({ from, to }): [number, number] => [from, to]);
    const [digests, unhashed, bytes] = [this.#digests, this.#unhashed, this.#bytes];
    const file = digests.length === 0 ? {} : { file: this.#writePiece(digests) };
    [this.#digests, this.#unhashed, this.#bytes] = [[], [], 0];
    [this.#next, this.#last] = [this.#to, Date.now()];
    if (ranges.length === 0) return unhashed;
    return [{ type: 'digests', ranges, files: digests.length, bytes, ...file }, ...unhashed];
  }

  #writePiece(digests: PathDigest[]): string {
    const { paths, algorithm } = this.#owner;
    mkdirSync(paths.digests, { recursive: true, mode: 0o700 });
    const name = this.#freeName();
    writeDigests(`${paths.digests}/${name}`, algorithm, digests.sort(byPath));
    return name;
  }

  /** A worker with the pid of its dead predecessor on the same host leaves what that has written. */
  #freeName(): string {
    const { paths, name } = this.#owner;
    const { shard, attempt, restart, host, pid } = name;
    for (;;) {
      const file = `${shard}.${attempt}-${restart}-${host}-${pid}.${this.#pieces++}.jsonl`;
      if (!existsSync(`${paths.digests}/${file}`)) return file;
    }
  }
}
