import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type FuseMount, mountFuse } from '../../bench/fuse-mount.ts';

/** As fault.c numbers them. */
const kinds = { none: 0, once: 1, 'from there on': 2, 'no space': 3, 'kill before': 4, 'kill after': 5 };
const looks = 1;
const changes = 2;

/** What goes wrong at the operation `at`, counted from 1. */
export type Fault = {
  readonly kind: Exclude<keyof typeof kinds, 'none'>;
  readonly error?: keyof typeof constants.errno;
  readonly at: number;
  /** Which operations count: those that change something, those that only look, or all. */
  readonly counted: 'changes' | 'looks' | 'all';
};

/** What has come of it: how many operations were counted, how many were struck, and the first of these in words. */
export type FaultResult = { readonly count: number; readonly happened: number; readonly what: string };

/** A mounted file system on which something goes wrong when told to (fault.c). */
export type FaultFileSystem = Pick<FuseMount, 'path' | 'behind' | 'unmount'> & {
  /** From now on; counting begins anew. */
  readonly set: (fault: Fault) => void;
  /** Nothing goes wrong any more. */
  readonly heal: () => FaultResult;
};

/** Mounts a new, empty one, or says in words why that cannot be. It ends with this process, whatever ends it. */
export async function mountFaulty(): Promise<FaultFileSystem | string> {
  const mounted = await mountFuse({
    source: fileURLToPath(new URL('./fault.c', import.meta.url)),
    words: ({ behind, path, control }) => [behind, path, control],
  });
  if (typeof mounted === 'string') return mounted;
  const { path, behind, control, unmount } = mounted;
  return {
    path,
    behind,
    set: (fault) => writeControl(control, fault),
    heal: () => {
      const result = readResult(control);
      writeControl(control, undefined);
      return result;
    },
    unmount,
  };
}

/** The kind first: nothing is to happen by halves. */
function writeControl(file: string, fault: Fault | undefined): void {
  writeFileSync(file, Buffer.alloc(8), { flag: 'r+' });
  if (fault === undefined) return;
  const { kind, error = 'EIO', at, counted } = fault;
  const mask = { looks, changes, all: looks | changes }[counted];
  const numbers = [kinds[kind], constants.errno[error]!, at, mask, 0, 0];
  writeFileSync(file, Buffer.from(new BigInt64Array(numbers.map(BigInt)).buffer), { flag: 'r+' });
}

function readResult(file: string): FaultResult {
  const bytes = readFileSync(file);
  const [count, happened] = [Number(bytes.readBigInt64LE(32)), Number(bytes.readBigInt64LE(40))];
  return { count, happened, what: bytes.toString('latin1', 48).replace(/\0.*/s, '') };
}
