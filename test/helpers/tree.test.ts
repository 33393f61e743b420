import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  directory,
  fifo,
  file,
  hardLinkTo,
  makeManyFiles,
  makeTree,
  readTree,
  sparseFile,
  symlinkTo,
  tree,
} from './tree.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tree-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const plain = { attributes: false };

it('gives back the literal that it made', async () => {
  const literal = {
    'a.txt': 'x',
    empty: '',
    none: {},
    sub: { link: symlinkTo('../a.txt'), 'é ü': 'y', deeper: { kind: 'a file named kind' } },
    pipe: fifo(),
    z: hardLinkTo('a.txt'),
  };
  await makeTree(dir, literal);
  expect(await readTree(dir, plain)).toEqual(literal);
});

it('keeps modes, and times to the nanosecond, also before 1970, of links and of closed directories', async () => {
  const literal = {
    'a.txt': file('x', { mode: 0o4640, mtimeNs: 1_700_000_000_123_456_789n }),
    old: file('', { mode: 0o444, mtimeNs: -1_500_000_000n }),
    link: symlinkTo('nowhere', { mtimeNs: 1_000_000_001n }),
    shut: directory(
      { in: file('y', { mode: 0, mtimeNs: 1n }) },
      { mode: 0o500, mtimeNs: 2_000_000_000_000_000_003n },
    ),
    pipe: fifo({ mode: 0o600, mtimeNs: 7n }),
  };
  await makeTree(dir, literal);
  expect(await readTree(dir)).toEqual(literal);
  expect(statSync(join(dir, 'a.txt'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
});

it('tells equal trees from trees that differ in content, mode, time, target, type or links', async () => {
  const base = { a: file('1', { mode: 0o600, mtimeNs: 5n }), b: symlinkTo('a', { mtimeNs: 5n }) };
  const others = [
    { ...base, a: file('2', { mode: 0o600, mtimeNs: 5n }) },
    { ...base, a: file('1', { mode: 0o644, mtimeNs: 5n }) },
    { ...base, a: file('1', { mode: 0o600, mtimeNs: 6n }) },
    { ...base, b: symlinkTo('b', { mtimeNs: 5n }) },
    { ...base, b: hardLinkTo('a') },
    { ...base, b: {} },
  ];
  await makeTree(join(dir, 'base'), base);
  await makeTree(join(dir, 'same'), base);
  const read = await readTree(join(dir, 'base'));
  expect(await readTree(join(dir, 'same'))).toEqual(read);
  for (const [number, other] of others.entries()) {
    await makeTree(join(dir, `${number}`), other);
    expect(await readTree(join(dir, `${number}`))).not.toEqual(read);
  }
});

it('keeps names and targets that are not UTF-8, and names that objects treat specially', async () => {
  const bad = Buffer.from([0xff, 0x41, 0xc3]);
  const literal = tree([
    [bad, file('x', { mode: 0o600, mtimeNs: 1n })],
    [
      '__proto__',
      tree([
        ['constructor', 'y'],
        ['line\nbreak', symlinkTo(bad)],
      ]),
    ],
  ]);
  await makeTree(dir, literal);
  const { stdout } = await execa('find', [dir, '-mindepth', '1', '-printf', '%P|%l\\0'], {
    encoding: 'buffer',
  });
  const found = Buffer.from(stdout).toString('latin1').split('\0').filter(Boolean).sort();
  expect(found).toEqual(
    ['__proto__|', '__proto__/constructor|', '__proto__/line\nbreak|\xffA\xc3', '\xffA\xc3|'].sort(),
  );
  const read = await readTree(dir, plain);
  expect(Object.keys(read).sort()).toEqual(['__proto__', '\udcffA\udcc3']);
  expect(Object.entries(new Map(Object.entries(read)).get('__proto__') ?? {}).map(([name]) => name)).toEqual([
    'constructor',
    'line\nbreak',
  ]);
  expect(read['\udcffA\udcc3']).toBe('x');
});

it('shows large files by size and sum, and makes holes', async () => {
  const literal = {
    large: file('ab'.repeat(5000)),
    holes: sparseFile(50_000_000, [
      [0, 'begin'],
      [30_000_000, 'middle'],
    ]),
  };
  await makeTree(dir, literal);
  expect(await readTree(dir, plain)).toEqual(literal);
  expect(statSync(join(dir, 'holes')).blocks * 512).toBeLessThan(1_000_000);
  const { stdout } = await execa('sha256sum', [join(dir, 'holes')]);
  expect(stdout.split(' ')[0]).toBe(literal.holes.sha256);
});

it('names the first of several hard links, whatever their order of making', async () => {
  await makeTree(dir, { z: 'x', d: { a: hardLinkTo('z'), b: 'x' } });
  expect(await readTree(dir, plain)).toEqual({ d: { a: 'x', b: 'x' }, z: hardLinkTo('d/a') });
});

it('refuses to write over what is there', async () => {
  await makeTree(dir, { a: 'x' });
  await expect(makeTree(dir, { a: 'y' })).rejects.toThrow('EEXIST');
});

it('makes many files quickly', async () => {
  const began = Date.now();
  makeManyFiles(join(dir, 'many'), { files: 20_000, directories: 30, bytes: 10 });
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(existsSync(join(dir, 'many', 'd29', 'f29'))).toBe(true);
  const { stdout } = await execa('find', [join(dir, 'many'), '-type', 'f', '-size', '10c']);
  expect(stdout.split('\n')).toHaveLength(20_000);
});
