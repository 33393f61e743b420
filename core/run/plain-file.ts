import { closeSync, openSync, writeSync } from 'node:fs';
import { open, readdir, writeFile } from 'node:fs/promises';
import { digestBytes } from '../model/digest-set.ts';
import { plainEnding, type RunPaths } from './run-paths.ts';

/** So many are kept of a run, 32 MiB: what comes after them is asked for its attributes as ever. */
const digestsAtMost = 2 ** 22;
const bytesAtMost = digestsAtMost * digestBytes;
/** So many bytes a worker writes at once. */
const bytesAtOnce = 1 << 16;

/** Collects the digests of groups without attributes that a scan has met. */
export class PlainCollector {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  add(digests: Uint8Array): void {
    const part = digests.subarray(0, bytesAtMost - this.#bytes);
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  /** Nothing depends on it: a run that cannot keep them is no worse. */
  async write(paths: RunPaths): Promise<void> {
    if (this.#bytes === 0) return;
    await writeFile(paths.plain, Buffer.concat(this.#parts), { flag: 'wx', mode: 0o600 }).catch(
      () => undefined,
    );
  }
}

/** Writes down, as they come, runs of digests of files that a worker copies (PlainRuns). Nothing depends on them: what cannot be written is left out. */
export class PlainWriter {
  readonly #path: string;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #file: number | undefined;
  #isBroken = false;

  /** The file is made with the first run. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Whole runs. */
  add(runs: Uint8Array): void {
    if (this.#bytes + runs.length > bytesAtMost) return;
    this.#bytes += runs.length;
    this.#waiting.push(runs);
    this.#waitingBytes += runs.length;
    if (this.#waitingBytes >= bytesAtOnce) this.#write();
  }

  close(): void {
    if (this.#waitingBytes > 0) this.#write();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #write(): void {
    const bytes = Buffer.concat(this.#waiting);
    [this.#waiting, this.#waitingBytes] = [[], 0];
    if (this.#isBroken) return;
    try {
      this.#file ??= openSync(this.#path, 'wx', 0o600);
      // Half a run would take what follows it for its own
      this.#isBroken = writeSync(this.#file, bytes) < bytes.length;
    } catch {
      this.#isBroken = true;
    }
  }
}

/** What a run has kept of files without attributes. */
export type PlainFiles = {
  /** Digests of groups that its scan has found (DigestSet). */
  readonly groups: Uint8Array;
  /** What each of its workers has copied (PlainRuns). */
  readonly copies: readonly Uint8Array[];
};

/** Undefined where it has kept nothing. */
export async function readPlain(paths: RunPaths): Promise<PlainFiles | undefined> {
  const groups = await readBeginning(paths.plain, bytesAtMost);
  const copies: Uint8Array[] = [];
  let left = bytesAtMost;
  for (const name of await readdir(paths.journals).catch(() => [])) {
    if (!name.endsWith(plainEnding)) continue;
    const part = await readBeginning(`${paths.journals}/${name}`, left);
    if (part !== undefined) copies.push(part);
    left -= part?.length ?? 0;
  }
  if (groups === undefined && copies.length === 0) return undefined;
  return { groups: groups ?? new Uint8Array(), copies };
}

/** Undefined where the file cannot be read. */
async function readBeginning(path: string, atMost: number): Promise<Uint8Array | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = Math.min((await file.stat()).size, atMost);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}
