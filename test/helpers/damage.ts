import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Changes something, and nobody sees it in the times of `path`: to the nanosecond, which Node's own calls do not reach. */
export function keepingTimes(path: string, change: () => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-stamp-'));
  const stamp = join(directory, 'stamp');
  writeFileSync(stamp, '');
  execFileSync('touch', ['-h', '-r', path, stamp]);
  change();
  execFileSync('touch', ['-h', '-r', stamp, path]);
  rmSync(directory, { recursive: true });
}

/** Writes into a file, and nobody sees it in its times. */
export function put(file: string, at: number, text: string): void {
  keepingTimes(file, () => {
    const fd = openSync(file, 'r+');
    writeSync(fd, text, at);
    closeSync(fd);
  });
}
