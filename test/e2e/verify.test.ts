import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepingTimes, put } from '../helpers/damage.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
let cwd: string;

beforeAll(async () => {
  world = await openWorld('local');
  cwd = world.directory();
  makeSource(join(cwd, 'src'));
  giveToUser(cwd);
  expect(await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait')).toMatchObject({ exitCode: 0 });
});
afterAll(() => world.close());

const GiB = 2 ** 30;
/** Only what lies at these places is not a hole. */
const islands = [0, GiB, 3 * GiB + 123_456_789];

function makeSource(top: string): void {
  mkdirSync(join(top, 'sub/deep'), { recursive: true });
  mkdirSync(join(top, 'moved'));
  for (const name of ['a', 'sub/b', 'sub/deep/c', 'moved/d', 'sub/näme\n\\'])
    writeFileSync(join(top, name), name);
  execFileSync('sh', ['-c', 'printf x > "$1/$(printf "bad\\377name")"', 'sh', top]);
  for (const name of ['sub/one', 'sub/two']) linkSync(join(top, 'a'), join(top, name));
  symlinkSync('a', join(top, 'sub/symlink'));
  execFileSync('mkfifo', [join(top, 'fifo')]);
  writeFileSync(join(top, 'middling'), Buffer.alloc(3_000_000, 'middling'));
  writeFileSync(join(top, 'large'), '');
  truncateSync(join(top, 'large'), 4 * GiB);
  for (const at of islands) put(join(top, 'large'), at, 'island');
  writeFileSync(join(top, 'attributed'), 'attributed');
  execFileSync('setfattr', ['-n', 'user.colour', '-v', 'green', join(top, 'attributed')]);
  execFileSync('setfacl', ['-m', 'u:nobody:r', join(top, 'attributed')]);
}

const dst = (path: string) => join(cwd, 'dst', path);

/** Changes what a directory holds, and its times are as before. */
const inDirectory = (path: string, change: () => void) => keepingTimes(dst(path), change);

type Damage = { what: string; damage: () => void; mend: () => void; lines: string[] };

const again = (path: string) => () => {
  inDirectory(dirname(path), () => {
    rmSync(dst(path), { recursive: true, force: true });
    execFileSync('cp', ['-a', '--sparse=always', join(cwd, 'src', path), dst(path)]);
  });
};

const damages: Damage[] = [
  {
    what: 'a flipped byte in a file of 4 GiB',
    damage: () => put(dst('large'), islands[2]! + 3, 'A'),
    mend: () => put(dst('large'), islands[2]! + 3, 'a'),
    lines: [`content large (from byte ${islands[2]! + 3} on)`],
  },
  {
    what: 'a flipped byte in a small file',
    damage: () => put(dst('sub/deep/c'), 9, 'C'),
    mend: again('sub/deep/c'),
    lines: ['content sub/deep/c (from byte 9 on)'],
  },
  {
    what: 'a lost file',
    damage: () => inDirectory('sub/deep', () => rmSync(dst('sub/deep/c'))),
    mend: again('sub/deep/c'),
    lines: ['missing sub/deep/c'],
  },
  {
    what: 'a lost directory',
    damage: () => inDirectory('', () => rmSync(dst('moved'), { recursive: true })),
    mend: again('moved'),
    lines: ['missing moved (directory)', 'missing moved/d'],
  },
  {
    what: 'a file too many',
    damage: () => inDirectory('sub', () => writeFileSync(dst('sub/z'), '')),
    mend: () => inDirectory('sub', () => rmSync(dst('sub/z'))),
    lines: ['extra sub/z'],
  },
  {
    what: 'a changed mode',
    damage: () => chmodSync(dst('sub/b'), 0o600),
    mend: () => chmodSync(dst('sub/b'), 0o644),
    lines: ['mode sub/b (0644, 0600 at the destination)'],
  },
  {
    what: 'a wrong hard link',
    damage: () =>
      inDirectory('sub', () => {
        rmSync(dst('sub/two'));
        execFileSync('cp', ['-a', dst('a'), dst('sub/two')]);
      }),
    mend: () =>
      inDirectory('sub', () => {
        rmSync(dst('sub/two'));
        linkSync(dst('a'), dst('sub/two'));
      }),
    lines: ['hard-links sub/two (a file of its own, but a further name in the source)'],
  },
  {
    what: 'a filled hole',
    damage: () => put(dst('large'), 2 * GiB, '\0'.repeat(2 ** 20)),
    mend: () =>
      keepingTimes(dst('large'), () =>
        execFileSync('fallocate', ['-p', '-o', '2GiB', '-l', '1MiB', dst('large')]),
      ),
    lines: ['holes large (1048576 bytes of holes are filled)'],
  },
  {
    what: 'another size',
    damage: () => keepingTimes(dst('a'), () => truncateSync(dst('a'), 0)),
    mend: () => put(dst('a'), 0, 'a'),
    // It has three names
    lines: ['a', 'sub/one', 'sub/two'].map((path) => `size ${path} (1 bytes, 0 at the destination)`),
  },
  {
    what: 'another mtime',
    damage: () => utimesSync(dst('middling'), 1, 1),
    mend: again('middling'),
    lines: [expect.stringMatching(/^mtime middling \(\d+\.\d{9}, 1\.000000000 at the destination\)$/)],
  },
  {
    what: 'a symlink to another target',
    damage: () =>
      inDirectory('sub', () => {
        rmSync(dst('sub/symlink'));
        symlinkSync('b', dst('sub/symlink'));
        const { uid, gid } = lstatSync(join(cwd, 'src/sub/symlink'));
        lchownSync(dst('sub/symlink'), uid, gid);
        keepTimesOf('sub/symlink');
      }),
    mend: again('sub/symlink'),
    lines: ['link-target sub/symlink (a, b at the destination)'],
  },
  {
    what: 'a directory where a file belongs',
    damage: () =>
      inDirectory('sub', () => {
        rmSync(dst('sub/b'));
        mkdirSync(dst('sub/b'));
        writeFileSync(dst('sub/b/in it'), '');
      }),
    mend: again('sub/b'),
    lines: ['type sub/b (file, directory at the destination)', 'extra sub/b/in it'],
  },
  {
    what: 'another attribute and another ACL',
    damage: () => {
      execFileSync('setfattr', ['-n', 'user.colour', '-v', 'red', dst('attributed')]);
      execFileSync('setfacl', ['-m', 'u:nobody:-', dst('attributed')]);
    },
    mend: again('attributed'),
    lines: ['xattr attributed (user.colour: another value)', 'acl attributed (another value)'],
  },
];

function keepTimesOf(path: string): void {
  execFileSync('touch', ['-h', '-r', join(cwd, 'src', path), dst(path)]);
}

const verify = (...words: string[]) => world.bcopy(cwd, 'verify', '-s', 'src', '-d', 'dst', ...words);

/** The same comparison by this machine alone, which is quicker. */
describe('bcopy compare A B', () => {
  it.each(damages)('finds $what, and nothing else', async ({ damage, mend, lines }) => {
    damage();
    const { exitCode, stdout } = await world.bcopy(cwd, 'compare', 'src', 'dst');
    mend();
    expect(stdout.split('\n').slice(0, -1)).toEqual(lines);
    expect(exitCode).toBe(4);
  });
});

describe('bcopy verify -s A -d B', () => {
  it('finds nothing after a copy', async () => {
    const { exitCode, stdout } = await verify();
    expect(stdout).toMatch(/^17 entries compared, 4\.0 GiB of content: no difference\.$/);
    expect(exitCode).toBe(0);
  });

  it('finds all of them at once, as JSON too', async () => {
    const some = damages.filter(({ what }) => !/another size|where a file|small file/.test(what));
    for (const { damage } of some) damage();
    const { exitCode, stdout } = await verify('--json');
    for (const { mend } of some.toReversed()) mend();
    const found = stdout.split('\n').map((line) => JSON.parse(line));
    expect(found.map(({ kind, path }) => `${kind} ${path}`).sort()).toEqual([
      'acl attributed',
      'content large',
      'extra sub/z',
      'hard-links sub/two',
      'holes large',
      'link-target sub/symlink',
      'missing moved',
      'missing moved/d',
      'missing sub/deep/c',
      'mode sub/b',
      'mtime middling',
      'xattr attributed',
    ]);
    expect(exitCode).toBe(4);
  });

  it('tells what has several names once, and what is below a wrong name not at all', async () => {
    const some = damages.filter(({ what }) => /another size|where a file/.test(what));
    for (const { damage } of some) damage();
    const { stdout } = await verify();
    for (const { mend } of some) mend();
    expect(stdout.split('\n').slice(0, -1).sort()).toEqual([
      'size a (1 bytes, 0 at the destination)',
      'type sub/b (file, directory at the destination)',
    ]);
  });

  it('tells names that are no text by their bytes', async () => {
    inDirectory('', () => renameSync(dst('sub'), dst('bus')));
    const { stdout } = await verify();
    inDirectory('', () => renameSync(dst('bus'), dst('sub')));
    expect(stdout).toContain('missing "sub/näme\\n\\\\"\n');
    expect(stdout).not.toContain('bad');
  });

  it('does not look at the content, nor at what is not to be compared', async () => {
    put(dst('sub/deep/c'), 9, 'C');
    chmodSync(dst('sub/b'), 0o600);
    const ran = await verify('--compare', 'mtime', '--no-preserve', 'mode');
    again('sub/deep/c')();
    chmodSync(dst('sub/b'), 0o644);
    expect(ran).toMatchObject({ exitCode: 0 });
  });

  it('takes mtimes for the same that are near enough', async () => {
    const { mtimeMs } = lstatSync(dst('middling'));
    utimesSync(dst('middling'), 1, Math.floor(mtimeMs / 1000) + 2);
    const [near, far] = [await verify('--modify-window', '2'), await verify('--modify-window', '1')];
    const files = await verify('--compare', 'mtime', '--no-preserve', 'times');
    again('middling')();
    expect(near).toMatchObject({ exitCode: 0 });
    expect(far.stdout).toContain('mtime middling (');
    // There the time stands for the content
    expect(files.stdout).toContain('mtime middling (');
  });

  it('tells what it cannot read', async () => {
    chmodSync(dst('sub/deep'), 0);
    const { exitCode, stdout } = await verify('--no-preserve', 'mode');
    chmodSync(dst('sub/deep'), 0o755);
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      'unreadable sub/deep (open destination directory: EACCES)',
    ]);
    expect(exitCode).toBe(3);
  });

  it('finds nothing when all is mended', async () => {
    expect(await verify()).toMatchObject({ exitCode: 0 });
  });
});

describe('what cannot be compared', () => {
  it.each([
    [['-s', 'nowhere', '-d', 'dst'], 5, 'bcopy: cannot read the source nowhere: it does not exist'],
    [['-s', 'src', '-d', 'src/a'], 6, 'bcopy: cannot read the destination src/a: it is not a directory'],
    [['-s', 'src'], 2, 'bcopy: cannot do bcopy verify: source and destination are to be given'],
  ])('%j is refused in a sentence', async (words, exitCode, sentence) => {
    const ran = await world.bcopy(cwd, 'verify', ...words);
    expect(ran).toMatchObject({ exitCode, stdout: '' });
    expect(ran.stderr.split('\n')[0]).toBe(sentence);
  });
});
