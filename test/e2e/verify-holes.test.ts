import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fileSystems, type Mounted, mountNew } from '../helpers/file-systems.ts';
import { randomNumbers } from '../helpers/random.ts';

const seed = Number(process.env.HOLES_SEED ?? Date.now() % 1e9);
const KiB = 1024;
const MiB = 1024 * KiB;
const fileBytes = 8 * MiB;

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-holes-'));
  mkdirSync(join(top, 'src'));
  const random = randomNumbers(seed);
  // Holes of all sizes, at places where no block begins too
  for (let file = 0; file < 12; file++) {
    const fd = openSync(join(top, 'src', `sparse ${file}`), 'w');
    ftruncateSync(fd, fileBytes + random(3) * 1000);
    for (let i = 0; i < 1 + random(40); i++)
      writeSync(fd, Buffer.alloc(1 + random(20_000), 'x'), 0, null, random(fileBytes));
    closeSync(fd);
  }
  const fd = openSync(join(top, 'src/hole'), 'w');
  ftruncateSync(fd, 4 * MiB);
  closeSync(fd);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const bcopy = (...words: string[]) =>
  execa(`${inject('installed')}/dist/js/cli/main.js`, words, { cwd: top, reject: false });

describe.each(fileSystems)(`holes on %s (HOLES_SEED=${seed})`, (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
    if (typeof mounted === 'string') console.log(`skipped: ${mounted}`);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });

  it('are no difference where they are kept, and one where they are filled', async (context) => {
    if (typeof mounted === 'string') return context.skip();
    const dst = join(mounted.path, 'dst');
    execFileSync('cp', ['-a', '--sparse=always', join(top, 'src'), dst]);
    expect(await bcopy('verify', '-s', 'src', '-d', dst)).toMatchObject({ exitCode: 0 });
    execFileSync('cp', ['-p', '--sparse=never', join(top, 'src/hole'), join(dst, 'hole')]);
    expect(statSync(join(dst, 'hole')).blocks).toBeGreaterThan(0);
    const { exitCode, stdout } = await bcopy('verify', '-s', 'src', '-d', dst);
    expect(stdout).toContain(`holes hole (${4 * MiB} bytes of holes are filled)\n`);
    expect(exitCode).toBe(4);
    // The other way round nothing is lost
    expect(await bcopy('verify', '-s', dst, '-d', 'src')).toMatchObject({ exitCode: 0 });
  });
});
