import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type FuseMount, mountFuse } from './fuse-mount.ts';

/** What the file system was asked since it was mounted, or since `forget`. */
export type SlowStatistics = {
  readonly requests: number;
  /** So many waited at once, at most. */
  readonly most: number;
};

/** A mounted file system on which each request takes a while (bench/slow.c). */
export type SlowFileSystem = Pick<FuseMount, 'path' | 'behind' | 'unmount'> & {
  readonly statistics: () => SlowStatistics;
  readonly forget: () => void;
};

/** Mounts a new, empty one, or says in words why that cannot be. It ends with this process, whatever ends it. */
export async function mountSlow(latencyMs = 5, parent?: string): Promise<SlowFileSystem | string> {
  const mounted = await mountFuse(
    {
      source: sourceOfProgram(),
      words: ({ behind, path, control }) => [behind, path, String(latencyMs), control],
    },
    parent,
  );
  if (typeof mounted === 'string') return mounted;
  const { path, behind, control, unmount } = mounted;
  return {
    path,
    behind,
    statistics: () => readStatistics(control),
    forget: () => writeFileSync(control, Buffer.alloc(16), { flag: 'r+' }),
    unmount,
  };
}

/** Beside this file, or seen from the bundle that it is in. */
function sourceOfProgram(): string {
  const places = ['./slow.c', '../../../bench/slow.c'].map((place) => new URL(place, import.meta.url));
  return fileURLToPath(places.find((place) => existsSync(place)) ?? places[0]!);
}

/** As slow.c has them: waiting, most and requests, 64 bits each. */
function readStatistics(file: string): SlowStatistics {
  const bytes = readFileSync(file);
  return { most: Number(bytes.readBigUInt64LE(0)), requests: Number(bytes.readBigUInt64LE(8)) };
}
