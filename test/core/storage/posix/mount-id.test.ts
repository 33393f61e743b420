import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { mountIdOf } from '../../../../core/storage/posix/mount-id.ts';

const top = mkdtempSync(join(tmpdir(), 'bcopy-mount-'));
for (const name of ['other', 'bound']) mkdirSync(join(top, name));
afterAll(() => rmSync(top, { recursive: true, force: true }));

function idOf(path: string): bigint | undefined {
  const fd = openSync(path, 'r');
  try {
    return mountIdOf(fd);
  } finally {
    closeSync(fd);
  }
}

it('is that of the directory above', () => {
  expect(idOf(join(top, 'other'))).toBe(idOf(top));
  expect(idOf(top)).toBeTypeOf('bigint');
});

it('is another where another place of the same file system is mounted', {
  skip: process.getuid?.() !== 0,
}, () => {
  execFileSync('mount', ['--bind', join(top, 'other'), join(top, 'bound')]);
  try {
    expect(idOf(join(top, 'bound'))).not.toBe(idOf(top));
  } finally {
    execFileSync('umount', [join(top, 'bound')]);
  }
});

it('is unknown of what is not open', () => {
  expect(mountIdOf(1_000_000)).toBeUndefined();
});
