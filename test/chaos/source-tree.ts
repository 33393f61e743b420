import { randomFillSync } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

const MiB = 2 ** 20;
const directories = 50;

/** What there must be at the destination in the end, counted by who made it. */
export type Made = { readonly entries: number; readonly bytes: number };

/**
 * Small files of differing content over directories, a further name for some and a symlink to others, and two large
 * files, of which at least the first is divided.
 */
export function makeSource(directory: string, files: number, large: readonly [number, number]): Made {
  const random = randomFillSync(Buffer.alloc(64 * 1024 + 2000));
  let entries = 1 + directories;
  let bytes = 0;
  for (let i = 0; i < directories; i++) mkdirSync(`${directory}/d${i}`, { recursive: true });
  for (let i = 0; i < files; i++) {
    const parent = `${directory}/d${i % directories}`;
    const size = (i * 37) % 2000;
    writeFileSync(`${parent}/f${i}`, random.subarray(i % 65_536, (i % 65_536) + size));
    if (i % 500 === 7) linkSync(`${parent}/f${i}`, `${directory}/d${(i + 1) % directories}/link${i}`);
    if (i % 500 === 8) symlinkSync(`f${i}`, `${parent}/symlink${i}`);
    entries += 1 + Number(i % 500 === 7) + Number(i % 500 === 8);
    bytes += size;
  }
  for (const [i, size] of large.entries()) {
    const block = randomFillSync(Buffer.alloc(MiB));
    for (let at = 0; at < size; at += MiB) {
      block.writeUInt32LE(at, 0);
      writeFileSync(`${directory}/d${i * 20}/large${i}`, block, { flag: 'a' });
    }
    entries++;
    bytes += size;
  }
  return { entries, bytes };
}
