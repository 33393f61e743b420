import { open, writeFile } from 'node:fs/promises';
import { digestBytes } from '../model/digest-set.ts';
import type { RunPaths } from './run-paths.ts';

/** So many are kept, 16 MiB: what comes after them is asked for its attributes as ever. */
const digestsAtMost = 2 ** 20;

/** Collects the digests of blocks without attributes that a scan has met. */
export class PlainCollector {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  add(digests: Uint8Array): void {
    const part = digests.subarray(0, digestsAtMost * digestBytes - this.#bytes);
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

/** What a run has kept, digest by digest; nothing where it has kept none. */
export async function readPlain(paths: RunPaths): Promise<Uint8Array | undefined> {
  const file = await open(paths.plain).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = Math.min((await file.stat()).size, digestsAtMost * digestBytes);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}
