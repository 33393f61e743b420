import { type BigIntStats, statSync } from 'node:fs';
import { type Found, split } from './named-paths.ts';

/** A directory on the way up from something, or that itself, with the name in it that leads down again: `.` in itself. */
export type Above = { readonly identity: string; readonly below: Buffer };

/** Equal for all names of one thing. */
export function identityOfStatus({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** All from something up to `/`; its path has no symlinks. */
export function aboveOf(from: Found): Above[] {
  const all: Above[] = [];
  let { path, status } = from;
  let below: Buffer = Buffer.from('.');
  for (;;) {
    all.push({ identity: identityOfStatus(status), below });
    const { parent, name } = split(path);
    if (name.length === 0) return all;
    [path, below] = [parent, name];
    status = statSync(path, { bigint: true });
  }
}
