import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Mounted, mountNew } from '../helpers/file-systems.ts';

let top: string;
let mounted: Mounted | string;

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-fresh-'));
  mkdirSync(join(top, 'src'));
  writeFileSync(join(top, 'src/file'), 'what somebody will change on the disk itself'.padEnd(5000, '.'));
  mounted = await mountNew('ext4');
  if (typeof mounted === 'string') return;
  execFileSync('cp', ['-a', join(top, 'src'), join(mounted.path, 'dst')]);
});
afterEach(async () => {
  if (typeof mounted !== 'string') await mounted.unmount();
  rmSync(top, { recursive: true, force: true });
});

const bcopy = (...words: string[]) =>
  execa(`${inject('installed')}/dist/js/cli/main.js`, words, { cwd: top, reject: false });

/** On the disk below the file system, which goes on remembering what was there. */
function changeBelow({ path }: Mounted): void {
  execFileSync('sync', ['-f', path]);
  expect(readFileSync(join(path, 'dst/file'), 'utf8')).toContain('somebody');
  const image = join(dirname(path), 'image');
  const at = readFileSync(image).indexOf('somebody');
  const disk = openSync(image, 'r+');
  writeSync(disk, 'S', at);
  closeSync(disk);
  expect(readFileSync(join(path, 'dst/file'), 'utf8')).toContain('somebody');
}

describe('what is remembered of the destination', () => {
  it('is not what verify reads', async (context) => {
    if (typeof mounted === 'string') return context.skip();
    changeBelow(mounted);
    const { exitCode, stdout } = await bcopy('verify', '-s', 'src', '-d', join(mounted.path, 'dst'));
    expect(stdout).toContain('content file (from byte 5 on)\n');
    expect(exitCode).toBe(4);
  });

  it('is not what is compared with the digests of a copy', async (context) => {
    if (typeof mounted === 'string') return context.skip();
    const { path } = mounted;
    rmSync(join(path, 'dst'), { recursive: true });
    const image = join(dirname(path), 'image');
    const harm = `grep -abo somebody ${image} | while IFS=: read -r at _; do printf S | dd of=${image} bs=1 seek=$at conv=notrunc; done`;
    const isRemembered = `grep -q somebody ${path}/dst/file && touch ${top}/remembered`;
    const node = join(top, 'node');
    const script = `#!/bin/sh\ncase "$2 $3" in "task 2") { sync -f ${path}; ${harm}; ${isRemembered}; } 2>/dev/null ;; esac\nexec ${process.execPath} "$@"\n`;
    writeFileSync(node, script, { mode: 0o755 });
    const words = ['--verify', 'checksum', '--no-continue', '--wait', '--node', node];
    const { exitCode, stdout } = await bcopy('-s', 'src', '-d', join(path, 'dst'), ...words);
    expect(existsSync(join(top, 'remembered'))).toBe(true);
    expect(exitCode).toBe(4);
    const job = /Job <(\d+)>/.exec(stdout)![1];
    expect(readFileSync(join(top, `${job}.err`), 'utf8')).toContain('file (from byte 5 on)\n');
  });

  it('is not what a manifest is compared with', async (context) => {
    if (typeof mounted === 'string') return context.skip();
    await bcopy('manifest', 'src', '-o', 'sums');
    changeBelow(mounted);
    const { exitCode, stdout } = await bcopy('verify', '--manifest', 'sums', join(mounted.path, 'dst'));
    expect(stdout).toContain('content file (another xxh3)\n');
    expect(exitCode).toBe(4);
  });
});
