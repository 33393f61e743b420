import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fidelity, fullFidelity, type KeepWord, keepWords } from '../../../../core/model/fidelity.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { aclOf, attributesBelow, setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import {
  copyTree,
  makeTwoTrees,
  requestFor,
  scanned,
  sumOf,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

const isRoot = process.getuid?.() === 0;
let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;
const modeOf = (path: string) => statSync(path).mode & 0o7777;

function makeFile(name: string, mode = 0o640): string {
  writeFileSync(source(name), name);
  chmodSync(source(name), mode);
  return source(name);
}

function copyAll(fidelity: Partial<Fidelity> = {}, to = trees.destination) {
  const request = requestFor({ ...trees, destination: to }, { fidelity: { ...fullFidelity, ...fidelity } });
  const storage = new PosixStorage(request);
  const { outcomes, group } = copyTree(storage, scanned(trees.source));
  const finishNotes = storage.takeNotes();
  storage.close();
  const notes: Record<string, number> = Object.fromEntries(group.notes);
  for (const [note, entries] of finishNotes) notes[note] = (notes[note] ?? 0) + entries;
  return { outcomes: outcomes.map(({ path, cause, action }) => [path, cause, action]), notes, group };
}

const allBut = (...words: KeepWord[]) => ({ keep: keepWords.filter((word) => !words.includes(word)) });

describe('a file system without extended attributes and ACLs', () => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew('ramfs');
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  let destination = '';
  beforeEach(({ skip }) => {
    if (typeof mounted === 'string') return skip(mounted);
    destination = `${mounted.path}/${Date.now()}-${Math.random()}`;
    mkdirSync(destination);
    setAttribute(makeFile('a'), 'user.a', 'x');
    setAttribute(source('a'), 'user.b', 'x');
    setAcl(makeFile('b', 0o600), '-m', 'u:1234:rwx,g::r');
    setAcl(makeFile('c', 0o600), '-m', 'u:1234:rwx,g::r');
    setAttribute(source('c'), 'user.a', 'x');
    makeFile('plain');
    mkdirSync(source('d'));
    setAcl(source('d'), '-m', 'u:1234:rwx', '-m', 'd:u:1234:rwx');
    setAttribute(source('d'), 'user.a', 'x');
  });

  test('loses them, told once for each kind with the number of entries', () => {
    const { outcomes, notes, group } = copyAll({}, destination);
    expect(outcomes).toEqual([]);
    expect(notes).toEqual({ 'xattr not kept': 3, 'acl not kept': 3 });
    expect(sumOf(group, 'copied').entries).toBe(4);
    expect(readdirSync(destination).sort()).toEqual(['a', 'b', 'c', 'd', 'plain']);
  });

  test('gives nobody more than the ACL did', () => {
    expect(modeOf(source('b'))).toBe(0o670);
    copyAll({}, destination);
    expect(modeOf(`${destination}/b`)).toBe(0o640);
    expect(modeOf(`${destination}/d`)).toBe(0o755);
    expect(modeOf(`${destination}/plain`)).toBe(0o640);
  });

  test('fails what must be kept', () => {
    const { outcomes, notes } = copyAll({ require: ['acl'] }, destination);
    expect(outcomes.sort()).toEqual([
      ['b', 'NOT_KEPT', 'keep acl'],
      ['c', 'NOT_KEPT', 'keep acl'],
      ['d', 'NOT_KEPT', 'keep acl'],
    ]);
    expect(notes).toEqual({ 'xattr not kept': 1 });
    expect(readdirSync(destination).sort()).toEqual(['a', 'd', 'plain']);
    expect(copyAll({ require: ['xattr'] }, destination).outcomes.map(([path]) => path)).toContain('d');
  });

  test('as a source loses nothing', async () => {
    writeFileSync(`${destination}/x`, 'x');
    const storage = new PosixStorage(requestFor({ source: destination, destination: trees.destination }));
    const { outcomes } = copyTree(storage, scanned(destination));
    expect([outcomes, [...storage.takeNotes()]]).toEqual([[], []]);
    storage.close();
  });
});

describe('what is not to be preserved', () => {
  test('is the extended attributes', async () => {
    setAttribute(makeFile('a'), 'user.a', 'x');
    expect(copyAll(allBut('xattr'))).toMatchObject({ outcomes: [], notes: {} });
    expect(await attributesBelow(trees.destination)).toBe('');
  });

  test('is the ACLs, and nobody gets more without them', () => {
    setAcl(makeFile('a'), '-m', 'u:1234:rwx,g::r');
    mkdirSync(source('d'));
    setAcl(source('d'), '-m', 'u:1234:rwx,g::-', '-m', 'd:u:1234:rwx');
    expect(copyAll(allBut('acl'))).toMatchObject({ outcomes: [], notes: {} });
    expect(aclOf(`${trees.destination}/a`)).toEqual(['user::rw-', 'group::r--', 'other::---']);
    expect(modeOf(`${trees.destination}/d`)).toBe(0o705);
    const { group } = copyAll(allBut('acl'));
    expect(sumOf(group, 'skipped').entries).toBe(1);
  });

  test('is the times', () => {
    execaSync('touch', ['-d', '@1000', makeFile('a')]);
    copyAll(allBut('times'));
    expect(statSync(`${trees.destination}/a`).mtimeMs).toBeGreaterThan(2_000_000);
  });

  test('is the mode: files and directories get what new ones get', () => {
    makeFile('a', 0o4777);
    mkdirSync(source('d'));
    chmodSync(source('d'), 0o1777);
    copyAll(allBut('mode'));
    const umask = process.umask();
    expect(modeOf(`${trees.destination}/a`)).toBe(0o777 & ~umask);
    expect(modeOf(`${trees.destination}/d`)).toBe(0o777 & ~umask);
  });

  test('is the owner: no program then runs as another', ({ skip }) => {
    if (!isRoot) skip('only root gives files away');
    makeFile('a');
    chownSync(source('a'), 1234, 1235);
    chmodSync(source('a'), 0o6755);
    expect(copyAll(allBut('owner'))).toMatchObject({ outcomes: [], notes: {} });
    const { uid, gid } = statSync(`${trees.destination}/a`);
    expect([uid, gid, modeOf(`${trees.destination}/a`)]).toEqual([
      process.getuid?.(),
      process.getgid?.(),
      0o755,
    ]);
  });

  test('is the symlinks', () => {
    symlinkSync('a', source('s'));
    makeFile('a');
    mkdirSync(source('d'));
    linkSync(source('s'), source('d/t'));
    const { outcomes, notes, group } = copyAll({ symlinks: 'skip' });
    expect(outcomes).toEqual([]);
    expect(notes).toEqual({ 'symlink left out': 2 });
    expect([sumOf(group, 'copied').entries, sumOf(group, 'skipped').entries]).toEqual([1, 1]);
    expect(readdirSync(trees.destination, { recursive: true }).sort()).toEqual(['a', 'd']);
  });
});

describe('a hard link', () => {
  test('beyond what the file system allows is a file of its own', async ({ skip }) => {
    const mounted = await mountNew('ext4');
    if (typeof mounted === 'string') return skip(mounted);
    const destination = `${mounted.path}/d`;
    try {
      mkdirSync(destination);
      mkdirSync(`${mounted.path}/more`);
      makeFile('a');
      linkSync(source('a'), source('b'));
      writeFileSync(`${destination}/a`, 'a');
      // EXT4_LINK_MAX
      for (let i = 1; i < 65_000; i++) linkSync(`${destination}/a`, `${mounted.path}/more/${i}`);
      const link = { ordinal: 2, path: 'b', firstPath: 'a' };
      const storage = new PosixStorage(requestFor({ ...trees, destination }));
      expect(storage.linkEntry(link)).toEqual({ kind: 'copied' });
      expect(storage.takeNotes()).toEqual(new Map([['hard link not kept: copied as a file of its own', 1]]));
      expect(statSync(`${destination}/b`).nlink).toBe(1);
      storage.close();
      const strict = new PosixStorage(
        requestFor({ ...trees, destination }, { fidelity: { ...fullFidelity, require: ['links'] } }),
      );
      expect(strict.linkEntry(link)).toMatchObject({ outcome: { cause: 'NOT_KEPT', action: 'keep links' } });
      strict.close();
    } finally {
      await mounted.unmount();
    }
  });
});

test('a device of root arrives', ({ skip }) => {
  if (execaSync('mknod', [source('null'), 'c', '1', '3'], { reject: false }).failed)
    skip('only root may make devices');
  execaSync('mknod', ['-m', '0604', source('loop'), 'b', '7', '300']);
  expect(copyAll()).toMatchObject({ outcomes: [], notes: {} });
  for (const name of ['null', 'loop']) {
    const [made, original] = [`${trees.destination}/${name}`, source(name)].map((path) => statSync(path));
    expect([made!.rdev, made!.mode]).toEqual([original!.rdev, original!.mode]);
  }
});

test('a socket arrives', () => {
  const script =
    'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  execaSync(process.execPath, ['-e', script, source('socket')], { reject: false });
  expect(existsSync(source('socket'))).toBe(true);
  expect(copyAll()).toMatchObject({ outcomes: [], notes: {} });
  expect(statSync(`${trees.destination}/socket`).isSocket()).toBe(true);
});
