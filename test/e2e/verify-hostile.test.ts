import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fillHostileTree } from '../helpers/hostile-tree.ts';

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-proof-'));
  mkdirSync(join(top, 'src'));
  mkdirSync(join(top, 'outside'));
  fillHostileTree(join(top, 'src'), join(top, 'outside'));
});
afterAll(() => execFileSync('rm', ['-rf', top]));

const bcopy = (...words: string[]) =>
  execa(`${inject('installed')}/dist/js/cli/main.js`, words, { cwd: top, reject: false });

describe('a tree with every kind of entry, strange names and a path that is too long for the kernel', () => {
  it('is like its copy, to bcopy and by its manifest', async () => {
    // Which takes its time to copy and to hash, also without any data
    rmSync(join(top, 'src/sparse'));
    const ran = await bcopy('-s', 'src', '-d', 'dst', '--scheduler', 'local', '--wait');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await bcopy('verify', '-s', 'src', '-d', 'dst')).toMatchObject({ exitCode: 0 });
    expect(await bcopy('compare', 'dst', 'src', '--list', 'files', '--null')).toMatchObject({ exitCode: 0 });
    expect(await bcopy('manifest', 'src', '-o', 'sums')).toMatchObject({ exitCode: 0 });
    expect(await bcopy('verify', '--manifest', 'sums', 'dst', '--strict')).toMatchObject({ exitCode: 0 });
  });

  it('may have a hole of 1 TiB', async () => {
    for (const tree of ['one', 'other']) {
      mkdirSync(join(top, tree));
      writeFileSync(join(top, tree, 'sparse'), '');
      truncateSync(join(top, tree, 'sparse'), 2 ** 40 + 7);
    }
    const same = ['-s', 'one', '-d', 'other', '--no-preserve', 'times', '--shards', '1'];
    expect(await bcopy('verify', ...same)).toMatchObject({ exitCode: 0 });
    execFileSync(
      'sh',
      ['-c', 'printf x | dd of=other/sparse bs=1 seek=987654321012 conv=notrunc status=none'],
      {
        cwd: top,
      },
    );
    expect((await bcopy('verify', ...same)).stdout).toContain('content sparse (from byte 987654321012 on)\n');
  });

  it('differs from nothing at all in each of its entries', async () => {
    mkdirSync(join(top, 'nothing'));
    const { exitCode, stdout } = await bcopy('compare', 'src', 'nothing', '--only', 'missing', '--json');
    const entries = Number(
      execFileSync('sh', ['-c', 'find src -mindepth 1 -printf x | wc -c'], { cwd: top }),
    );
    expect(stdout.split('\n')).toHaveLength(entries);
    expect(exitCode).toBe(4);
    const files = Number(execFileSync('sh', ['-c', 'find src -type f -printf x | wc -c'], { cwd: top }));
    expect(readFileSync(join(top, 'sums'), 'latin1').trimEnd().split('\n')).toHaveLength(files);
    rmSync(join(top, 'nothing'), { recursive: true });
  });
});
