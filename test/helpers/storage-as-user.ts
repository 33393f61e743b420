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

/** A program that does its work in a process of its own, as another user, below another program. */
export type ChildProgram<W, R> = {
  readonly run: (work: W, under?: readonly string[], uid?: number) => Promise<R>;
  readonly remove: () => void;
};
/** It opens a storage and makes calls. */
export type StorageProgram = ChildProgram<ChildWork, unknown[]>;

export function buildStorageProgram(): Promise<StorageProgram> {
  return buildChild('storage-child');
}

/** Builds the program from a file beside this one, which reads its work from descriptor 0 and writes what comes of it to 3. */
export async function buildChild<W, R>(name: string): Promise<ChildProgram<W, R>> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-child-'));
  const outfile = join(directory, `${name}.cjs`);
  const entry = new URL(`${name}.ts`, import.meta.url).pathname;
  const options = { bundle: true, platform: 'node', format: 'cjs', target: 'node20' } as const;
  await build({ entryPoints: [entry], outfile, external: ['koffi'], ...options });
  const modules = new URL('../../node_modules', import.meta.url).pathname;

  async function run(work: W, under: readonly string[] = [], uid = ordinaryUser): Promise<R> {
    const [program, ...args] = [...under, process.execPath, outfile];
    const { stdio } = await execa(program!, args, {
      input: serialize(work),
      stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
      encoding: 'buffer',
      env: { NODE_PATH: modules, BCOPY_TEST_UID: String(uid) },
    });
    return deserialize(stdio[3] as unknown as Uint8Array) as R;
  }

  return { run, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
