import { randomFillSync } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

const MiB = 2 ** 20;
const directories = 50;

/** What there must be at the destination in the end, counted by who made it. */
export type Made = { readonly entries: number; readonly bytes: number };

/**
 * Small files of differing content, a further name for some and a symlink to others, and two large files in the middle
 * of the tape: a cut into an even number of shards divides one of them. A directory's own files come before those below.
 */
export function makeSource(top: string, files: number, large: readonly [number, number]): Made {
  const middle = `${top}/middle`;
  for (let i = 0; i < directories; i++) mkdirSync(`${middle}/below/d${i}`, { recursive: true });
  const made = { entries: 3 + directories, bytes: 0 };
  // A directory costs as much as a file
  const parentOf = (i: number) =>
    i < (files + directories) / 2 ? top : `${middle}/below/d${i % directories}`;
  for (let i = 0; i < files; i++) makeSmall(parentOf(i), i, made);
  for (const [i, bytes] of large.entries()) {
    const block = randomFillSync(Buffer.alloc(MiB));
    for (let at = 0; at < bytes; at += MiB) {
      block.writeUInt32LE(at, 0);
      writeFileSync(`${middle}/large${i}`, block, { flag: 'a' });
    }
    made.entries++;
    made.bytes += bytes;
  }
  return made;
}

const random = randomFillSync(Buffer.alloc(64 * 1024 + 2000));

function makeSmall(parent: string, i: number, made: { entries: number; bytes: number }): void {
  const bytes = (i * 37) % 2000;
  writeFileSync(`${parent}/f${i}`, random.subarray(i % 65_536, (i % 65_536) + bytes));
  if (i % 500 === 7) linkSync(`${parent}/f${i}`, `${parent}/link${i}`);
  if (i % 500 === 8) symlinkSync(`f${i}`, `${parent}/symlink${i}`);
  made.entries += [7, 8].includes(i % 500) ? 2 : 1;
  made.bytes += bytes;
}
