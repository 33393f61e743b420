import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disturbTree } from '../helpers/disturbed-trees.ts';
import { randomNumbers } from '../helpers/random.ts';
import { FifoStock, RandomSource } from '../helpers/random-source.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const firstSeed = Number(process.env.LIST_SEED ?? 1);
const listed = ['missing', 'extra', 'type', 'size', 'content', 'link-target', 'mode', 'owner', 'mtime'];

let world: World;
let cwd: string;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

const at = (path: string) => join(cwd, path);
const compare = (...words: string[]) => world.bcopy(cwd, 'compare', ...words);

type Line = { readonly kind: string; readonly path: string; readonly detail: string };

const linesOf = (stdout: string): Line[] =>
  stdout === '' ? [] : stdout.split('\n').map((line) => JSON.parse(line));

describe('a list that is saved', () => {
  it('stands for its tree, on either side, and with another list', async () => {
    for (let seed = firstSeed; seed < firstSeed + 2; seed++) {
      cwd = world.directory();
      const random = randomNumbers(seed);
      mkdirSync(at('a'));
      new RandomSource(at('a'), random, new FifoStock(at('fifos')));
      for (const name of ['a b', 'a-b', 'ab', 'é', 'new\nline'])
        mkdirSync(at(`a/${name}/in`), { recursive: true });
      giveToUser(at('a'));
      execFileSync('cp', ['-a', at('a'), at('b')]);
      for (let times = 25; times > 0; times--) disturbTree(at('b'), random);
      for (const tree of ['a', 'b'])
        writeFileSync(Buffer.concat([Buffer.from(`${at(tree)}/`), Buffer.from([0xff, 0x41])]), 'bytes');
      execFileSync('chmod', ['-R', 'u+rwX', at('a'), at('b')]);
      giveToUser(cwd);
      const saved = [await compare('a', '--save', 'a.list'), await compare('b', '--save', 'b.list')];
      expect(saved.map(({ exitCode, stderr }) => [exitCode, stderr.split('\n').at(-1)])).toEqual([
        [0, expect.stringMatching(/^bcopy: \d+ entries, .* of content$/)],
        [0, expect.stringMatching(/^bcopy: \d+ entries, .* of content$/)],
      ]);
      const wanted = linesOf((await compare('a', 'b', '--json', '--only', listed.join())).stdout);
      const found = [
        await compare('a.list', 'b', '--json'),
        await compare('a', 'b.list', '--json'),
        await compare('a.list', 'b.list', '--json'),
      ];
      // Of a file with several names two trees tell it once
      const isOfMany = ({ kind, path }: Line) => kind === 'content' && statSync(at(`a/${path}`)).nlink > 1;
      const plain = (lines: readonly Line[]) =>
        lines
          .filter((line) => !isOfMany(line))
          .map(({ kind, path, detail }) => `${kind} ${path} ${kind === 'content' ? '' : detail}`);
      for (const { stdout, exitCode } of found)
        expect({ seed, exitCode, lines: plain(linesOf(stdout)) }).toEqual({
          seed: expect.anything(),
          exitCode: wanted.length === 0 ? 0 : 4,
          lines: plain(wanted),
        });
      expect(wanted.length).toBeGreaterThan(5);
      expect((await compare('a', 'a.list')).exitCode).toBe(0);
    }
  });
});

describe('a list', () => {
  beforeEach(async () => {
    cwd = world.directory();
    mkdirSync(at('tree/d'), { recursive: true });
    for (const name of ['same', 'changed', 'd/in']) writeFileSync(at(`tree/${name}`), name);
    giveToUser(cwd);
  });

  it('is not in itself, and does not have what is not read', async () => {
    expect((await compare('tree', '--save', 'tree/list')).exitCode).toBe(0);
    expect(readFileSync(at('tree/list'), 'utf8')).not.toContain('"list"}');
    expect((await compare('tree/list', 'tree', '--no-preserve', 'times')).exitCode).toBe(0);
    if (process.getuid?.() !== 0) return;
    const before = readFileSync(at('tree/list'), 'utf8');
    chmodSync(at('tree/d'), 0);
    const refused = await compare('tree', '--save', 'tree/list');
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain('bcopy: no list of tree is saved: it would lack 1 entry\n');
    expect(readFileSync(at('tree/list'), 'utf8')).toBe(before);
    const { stdout, exitCode } = await compare('tree/list', 'tree', '--no-preserve', 'times,mode');
    expect([exitCode, stdout.split('\n')[0]]).toEqual([
      4,
      expect.stringMatching(/^unreadable d \(.*EACCES\)$/),
    ]);
  });

  it('without digests goes by size and mtime, and lists what differs', async () => {
    await compare('tree', '--save', 'list', '--compare', 'mtime');
    expect(readFileSync(at('list'), 'utf8')).not.toContain('digest');
    const { atimeMs, mtimeMs } = statSync(at('tree/changed'));
    writeFileSync(at('tree/changed'), 'CHANGED');
    appendFileSync(at('tree/d/in'), '+');
    execFileSync('touch', ['-d', `@${Math.floor(mtimeMs / 1000) + 5}`, at('tree/changed')]);
    expect(atimeMs).toBeGreaterThan(0);
    const { stdout } = await compare('list', 'tree', '--list', 'files', '--no-preserve', 'times');
    expect(stdout.split('\n')).toEqual(['changed', 'd/in']);
    const bySize = await compare('list', 'tree', '--compare', 'size', '--no-preserve', 'times');
    expect(bySize.stdout.split('\n').slice(0, -1)).toEqual(['size d/in (4 bytes, 5 at the destination)']);
  });

  it('may be a manifest, of files and their contents', async () => {
    await world.bcopy(cwd, 'manifest', 'tree', '-o', 'sums');
    expect((await compare('sums', 'tree')).exitCode).toBe(0);
    writeFileSync(at('tree/changed'), 'CHANGED');
    writeFileSync(at('tree/more'), '');
    rmSync(at('tree/same'));
    const [there, back] = [await compare('sums', 'tree'), await compare('tree', 'sums')];
    expect(there.stdout.split('\n').slice(0, -1)).toEqual([
      'content changed (another xxh3)',
      'missing same',
      'extra more',
    ]);
    expect(back.stdout.split('\n').slice(0, -1)).toEqual([
      'content changed (another xxh3)',
      'extra same',
      'missing more',
    ]);
    expect(there.exitCode).toBe(4);
  });

  it.each<[string, (lines: string[]) => string, string]>([
    ['that is torn in a line', (lines) => lines.join('\n').slice(0, -3), 'line 7: it is torn: it has no end'],
    ['that ends too soon', (lines) => `${lines.slice(0, 4).join('\n')}\n`, 'it ends before its last line'],
    [
      'that lacks a line',
      (lines) => [...lines.slice(0, 3), ...lines.slice(4)].join('\n'),
      'it ends before its last line',
    ],
    [
      'that is not sorted',
      ([header, top, one, two, ...more]) => [header, top, two, one, ...more].join('\n'),
      'line 4: changed does not come after d',
    ],
    [
      'with a path that leads out',
      (lines) => lines.join('\n').replace('"d/in"', '"d/../../in"'),
      'leads out of the tree',
    ],
    [
      'with an absolute path',
      (lines) => lines.join('\n').replace('"d/in"', '"/in"'),
      'line 5: its path is absolute',
    ],
    [
      'with a line that is none',
      (lines) => lines.join('\n').replace('"uid":', '"uid'),
      'line 2: it is no line of a list',
    ],
    [
      'without a mode',
      (lines) => lines.join('\n').replace(/"mode":"\d+",/, ''),
      'line 2: it has no usable mode',
    ],
    [
      'of a later format',
      (lines) => lines.join('\n').replace('"format":1', '"format":2'),
      'format 2 is none that this',
    ],
    ['that is something else', () => '{"a":1}\n', 'line 1: it is not the beginning of a list'],
  ])('%s is refused by its line', async (_, damage, why) => {
    await compare('tree', '--save', 'list');
    writeFileSync(at('list'), damage(readFileSync(at('list'), 'utf8').split('\n')));
    const ran = await compare('list', 'tree');
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain('bcopy: cannot use the list list: line');
    expect(ran.stderr).toContain(why);
  });

  it.each([
    [['tree', 'tree', '--save', 'x'], '--save takes one directory'],
    [['tree', '--save', 'x', '--json'], '--json does not go with --save'],
    [['--save', 'x'], 'no directory is given'],
  ])('refuses %j in a sentence', async (words, why) => {
    const ran = await compare(...words);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(`bcopy: cannot do bcopy compare: ${why}`);
  });
});
