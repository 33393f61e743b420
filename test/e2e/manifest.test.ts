import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
let cwd: string;

/** Each algorithm with the program that reads its manifests, and the names that this one cannot read. */
const tools = [
  ['xxh3', ['xxhsum', '-H2'], /\n/],
  ['blake3', ['b3sum'], /[\udc80-\udcff]/],
  ['sha256', ['sha256sum'], /(?!)/],
  ['sha1', ['sha1sum'], /(?!)/],
  ['md5', ['md5sum'], /(?!)/],
] as const;

/** Text as names.ts has it: a byte that is not UTF-8 is a lone surrogate. */
const names = [
  'a',
  'd-',
  'd.x/in',
  'd/in',
  'ü',
  ' lead',
  '*star',
  '\\n',
  'back\\slash',
  'new\nline',
  'c\rr',
  'b\udcff',
];

const bytesOf = (name: string) =>
  Buffer.concat(
    Array.from(name, (character) =>
      /[\udc80-\udcff]/.test(character)
        ? Buffer.from([character.charCodeAt(0) - 0xdc00])
        : Buffer.from(character),
    ),
  );

const pathOf = (name: string) => Buffer.concat([Buffer.from(`${cwd}/tree/`), bytesOf(name)]);

beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

beforeEach(() => {
  cwd = world.directory();
  for (const directory of ['d', 'd.x', 'empty']) mkdirSync(join(cwd, 'tree', directory), { recursive: true });
  for (const name of names) writeFileSync(pathOf(name), `content of ${names.indexOf(name)}`);
  writeFileSync(join(cwd, 'tree/large'), Buffer.alloc(20_000_000, 'large'));
  symlinkSync('a', join(cwd, 'tree/symlink'));
  execFileSync('mkfifo', [join(cwd, 'tree/fifo')]);
  giveToUser(cwd);
});

const manifest = (...words: string[]) => world.bcopy(cwd, 'manifest', 'tree', '-o', 'sums', ...words);
const check = (...words: string[]) => world.bcopy(cwd, 'verify', '--manifest', 'sums', 'tree', ...words);
const inTree = (...words: string[]) => world.run(join(cwd, 'tree'), words[0]!, ...words.slice(1));

describe('a manifest', () => {
  it.each(tools)('by %s is what its tool reads', async (algorithm, [tool], unknown) => {
    for (const name of names.filter((name) => unknown.test(name))) rmSync(pathOf(name));
    const readable = names.filter((name) => !unknown.test(name));
    expect(await manifest('--algorithm', algorithm)).toMatchObject({ exitCode: 0 });
    const ran = await inTree(tool, '-c', '../sums');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stdout.match(/: OK$/gm)).toHaveLength(readable.length + 1);
  });

  it.each(tools)(
    'by %s is what its tool writes, byte for byte',
    async (algorithm, [tool, ...how], unknown) => {
      await manifest('--algorithm', algorithm);
      const sorted = [...names, 'large'].filter((name) => !unknown.test(name)).sort(byBytes);
      const words = sorted.map((name) => `'${name.replaceAll("'", "'\\''")}'`).join(' ');
      // By a script, since an argument of Node's is always UTF-8
      const script = Buffer.concat([Buffer.from(`${tool} ${how.join(' ')} `), bytesOf(words)]);
      writeFileSync(join(cwd, 'script'), script);
      const theirs = execFileSync('sh', ['../script'], { cwd: join(cwd, 'tree') });
      const ours = readFileSync(join(cwd, 'sums'));
      for (const line of theirs.toString('latin1').split('\n'))
        expect(ours.toString('latin1')).toContain(line);
      if (algorithm === 'sha256') expect(ours.equals(theirs)).toBe(true);
    },
  );

  it('says which names its tool cannot read', async () => {
    expect((await manifest()).stderr).toContain('1 name that xxhsum cannot read');
    expect((await manifest('--algorithm', 'md5')).stderr).not.toContain('cannot read');
  });

  it('leaves itself out, and nothing of a manifest that was not finished', async () => {
    const tree = join(cwd, 'tree');
    expect(await world.bcopy(tree, 'manifest', '.', '-o', 'SUMS')).toMatchObject({ exitCode: 0 });
    const first = readFileSync(join(tree, 'SUMS'));
    expect(await world.bcopy(tree, 'manifest', '.', '-o', 'SUMS')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(tree, 'SUMS')).equals(first)).toBe(true);
    expect(await world.bcopy(tree, 'manifest', 'nowhere', '-o', 'OTHER')).toMatchObject({ exitCode: 5 });
    expect(readdirSync(tree).filter((name) => /OTHER|new-/.test(name))).toEqual([]);
  });

  it('takes the place of nothing but a file', async () => {
    for (const [file, why] of [
      ['tree/fifo', 'it is no file'],
      ['tree/d', 'it is a directory'],
    ] as const)
      expect(await world.bcopy(cwd, 'manifest', 'tree', '-o', file)).toMatchObject({
        exitCode: 6,
        stderr: `bcopy: cannot write ${file}: ${why}`,
      });
    expect(readdirSync(join(cwd, 'tree')).filter((name) => name.includes('new-'))).toEqual([]);
  });

  it('tells what it lacks', async () => {
    chmodSync(join(cwd, 'tree/a'), 0);
    chmodSync(join(cwd, 'tree/d'), 0);
    const { exitCode, stderr } = await manifest();
    chmodSync(join(cwd, 'tree/d'), 0o755);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('bcopy: the manifest of tree lacks 2 entries\n');
    expect(stderr).toContain('  a (EACCES)\n');
    expect(stderr).toContain('  d (EACCES)');
  });
});

function byBytes(one: string, other: string): number {
  return Buffer.compare(bytesOf(one), bytesOf(other));
}

describe('bcopy verify --manifest', () => {
  it.each(tools)('takes what the tool of %s has written', async (algorithm, [tool, ...how]) => {
    const { stdout } = await inTree('sh', '-c', `${tool} ${how.join(' ')} a d/in ./large d.x/../ü`);
    writeFileSync(join(cwd, 'sums'), `${stdout.split('\n').slice(0, 3).join('\n')}\n`);
    expect(await check('--algorithm', algorithm)).toMatchObject({
      exitCode: 0,
      stdout: '3 files compared, 19.1 MiB of content: no difference.',
    });
  });

  it.each(['sha256sum --tag', 'md5sum --tag', 'sha1sum --tag', 'xxhsum -H2 --tag', 'sha256sum -b'])(
    'takes what %s has written, whatever the names',
    async (command) => {
      const { stdout } = await inTree('sh', '-c', `${command} a back* new* c* symlink | grep -v ^line`);
      writeFileSync(join(cwd, 'sums'), `${stdout}\n`.replace(/.*\(new\n/, ''));
      expect(await check()).toMatchObject({ exitCode: 0 });
    },
  );

  it('tells what is missing and what is changed', async () => {
    await manifest();
    rmSync(join(cwd, 'tree/d/in'));
    writeFileSync(join(cwd, 'tree/a'), 'content of 1');
    rmSync(join(cwd, 'tree/large'));
    mkdirSync(join(cwd, 'tree/large'));
    writeFileSync(join(cwd, 'tree/more'), '');
    const { exitCode, stdout } = await check('--strict');
    expect(exitCode).toBe(4);
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      'content a (another xxh3)',
      'missing d/in',
      'type large (no regular file)',
      'extra more',
    ]);
    expect((await check()).stdout).not.toContain('extra');
  });

  const digest = 'f'.repeat(32);
  it.each([
    ['a torn line', `${digest}  a\n${digest}  b`, 'line 2 is torn: it has no end'],
    ['half a digest', `${digest.slice(3)}  a\n`, 'line 1: a digest of 29 digits is none known'],
    ['no digest', `${digest}  a\nhello\n`, 'line 2: it is no line of a manifest'],
    ['a path with ..', `${digest}  a/../../b\n`, 'line 1: its path leads out of the tree, by ..'],
    ['an absolute path', `# made\n${digest}  /etc/passwd\n`, 'line 2: its path is absolute'],
    ['an escape that is none', `\\${digest}  a\\t\n`, 'line 1: a backslash in it begins no escape'],
    ['nothing', '', 'it names no file'],
    ['another algorithm', `SHA512 (a) = ${digest}\n`, 'line 1: there is no algorithm SHA512 here'],
  ])('refuses %s in a sentence', async (_, content, why) => {
    writeFileSync(join(cwd, 'sums'), content);
    expect(await check()).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `bcopy: cannot use the manifest sums: ${why}`,
    });
  });
});
