import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { build } from 'esbuild';
import { execa } from 'execa';
import type { PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import type { Storage } from '../../core/storage/storage.ts';

type Method = Exclude<keyof Storage, 'sync' | 'close'>;
export type Call = readonly [method: Method, ...args: unknown[]];
export type ChildWork = { readonly request: PosixStorageRequest; readonly calls: readonly Call[] };

/** Who a test is when root must not be: `nobody`, or who runs it. */
export const ordinaryUser = process.getuid?.() === 0 ? 65_534 : process.getuid!();

/** A program that opens a storage in a process of its own, as another user, below another program. */
export type StorageProgram = {
  readonly run: (work: ChildWork, under?: readonly string[], uid?: number) => Promise<unknown[]>;
  readonly remove: () => void;
};

export async function buildStorageProgram(): Promise<StorageProgram> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-child-'));
  const outfile = join(directory, 'storage-child.cjs');
  const entry = new URL('storage-child.ts', import.meta.url).pathname;
  const options = { bundle: true, platform: 'node', format: 'cjs', target: 'node20' } as const;
  await build({ entryPoints: [entry], outfile, external: ['koffi'], ...options });
  const modules = new URL('../../node_modules', import.meta.url).pathname;

  async function run(work: ChildWork, under: readonly string[] = [], uid = ordinaryUser): Promise<unknown[]> {
    const [program, ...args] = [...under, process.execPath, outfile];
    const { stdio } = await execa(program!, args, {
      input: serialize(work),
      stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
      encoding: 'buffer',
      env: { NODE_PATH: modules, BCOPY_TEST_UID: String(uid) },
    });
    return deserialize(stdio[3] as unknown as Uint8Array) as unknown[];
  }

  return { run, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
