import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
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

  let answers = 0;

  async function run(work: W, under: readonly string[] = [], uid = ordinaryUser): Promise<R> {
    const [program, ...args] = [...under, process.execPath, outfile];
    // A file, not a pipe: what a child has said is there, however long nobody listened
    const answer = join(directory, String(answers++));
    const fd = openSync(answer, 'w');
    try {
      await execa(program!, args, {
        input: serialize(work),
        // Its types know numbers only for the first three
        stdio: ['pipe', 'inherit', 'inherit', fd as unknown as 'pipe'],
        env: { NODE_PATH: modules, BCOPY_TEST_UID: String(uid) },
      });
    } finally {
      closeSync(fd);
    }
    return deserialize(readFileSync(answer)) as R;
  }

  return { run, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
