import { chmodSync, lstatSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file, hardLinkTo, makeTree, symlinkTo } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences, runDirectories } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const { open, skipped } = openOrSkip(['local']);
if (skipped.length > 0) it.skip(`a second run with ${skipped.join()}`, () => undefined);

describe.each(open)('a second run with %s', (name) => {
  let world: World;
  let cwd: string;
  beforeAll(async () => {
    world = await openWorld(name);
  });
  afterAll(() => world.close());

  const src = (path: string) => join(cwd, 'src', path);
  const dst = (path: string) => join(cwd, 'dst', path);

  async function makeSource(): Promise<void> {
    cwd = world.directory();
    const content = { a: file('a', { mtimeNs: 1_234_567_890_123_456_789n }), b: hardLinkTo('a') };
    await makeTree(join(cwd, 'src'), { ...content, d: { c: 'content', s: symlinkTo('c') } });
    giveToUser(join(cwd, 'src'));
    // rsync gives what it makes in the same second no other fraction of it
    await world.run(
      cwd,
      'find',
      'src',
      '-depth',
      '-exec',
      'touch',
      '-hd',
      '@1000000000.123456789',
      '{}',
      '+',
    );
  }

  /** JOBID.log of a run that came to its end. */
  async function log(...options: string[]): Promise<string> {
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', ...options);
    expect(ran.exitCode, ran.stderr).toBe(0);
    return readFileSync(join(cwd, `${announcedJob(ran.stdout)}.log`), 'utf8');
  }

  it('copies nothing after rsync has copied all, and says so', async () => {
    await makeSource();
    await world.run(cwd, 'rsync', '-aHAX', 'src/', 'dst/');
    const text = await log();
    expect(text).toMatch(/^copied +0 +0\nskipped +6 +8\nlinked +0 +0$/m);
    expect(text).toMatch(/\n\nNothing had to be copied: all 4 files are there already\.\n$/);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '-AX')).toBe('');
  });

  it('mends the mode of a file and the time of a directory, and copies what is new', async () => {
    await makeSource();
    await log();
    const inode = lstatSync(dst('d/c')).ino;
    chmodSync(src('d/c'), 0o600);
    utimesSync(src('d'), 1000, 2000);
    const text = await log();
    expect(text).toMatch(/^copied +0 +0$/m);
    expect(text).toMatch(/^note +metadata mended: 2 entries$/m);
    expect(lstatSync(dst('d/c')).ino).toBe(inode);
    writeFileSync(src('d/new'), 'new');
    giveToUser(src('d/new'));
    expect(await log()).toMatch(/^copied +1 +3$/m);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '-AX')).toBe('');
  });

  it('finds what size and time do not tell with --compare checksum, and leaves what is newer with --update', async () => {
    await makeSource();
    await log();
    writeFileSync(dst('d/c'), 'c0ntent');
    await world.run(cwd, 'touch', '-d', '@1000000000.123456789', dst('d/c'), dst('d'));
    expect(await log()).toMatch(/^copied +0 +0$/m);
    expect(readFileSync(dst('d/c'), 'utf8')).toBe('c0ntent');
    expect(await log('--compare', 'checksum')).toMatch(/^copied +1 +7$/m);
    expect(readFileSync(dst('d/c'), 'utf8')).toBe('content');
    writeFileSync(dst('d/c'), 'newer');
    const text = await log('--update');
    expect(text).toMatch(/^note +newer at the destination: left as it is: 1 entry$/m);
    expect(text).toMatch(/^All files are copied but 1 that were left out \(see the notes\)\.$/m);
    expect(readFileSync(dst('d/c'), 'utf8')).toBe('newer');
  });

  it('makes nothing new with --existing, and the attempt says how it was asked', async () => {
    await makeSource();
    await world.run(cwd, 'mkdir', 'dst');
    await world.run(cwd, 'touch', '-d', '@5', 'dst/a');
    const text = await log('--existing', '--modify-window', '1', '--tail-bytes', '10');
    // A further name whose first one is left out is a file of its own
    expect(text).toMatch(/^copied +1 +[01]$/m);
    expect(text).toMatch(/^note +not at the destination: left out: 4 entries$/m);
    expect(statSync(dst('a')).size).toBe(1);
    expect(() => lstatSync(dst('d'))).toThrow('ENOENT');
    const attempt = join(runDirectories(cwd).at(-1)!, 'attempts/1/attempt.json');
    expect(JSON.parse(readFileSync(attempt, 'utf8'))).toMatchObject({
      compare: {
        by: 'mtime',
        windowSeconds: 1,
        tailBytes: 10,
        update: false,
        ignoreExisting: false,
        existing: true,
      },
    });
  });
});
