import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fullFidelity, keepWords } from '../../../../core/model/fidelity.ts';
import { replaceFile } from '../../../../core/run/files.ts';
import { makeRoot } from '../../../../core/storage/posix/open-root.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { aclOf, setAcl } from '../../../helpers/attributes.ts';
import {
  copyTree,
  filesGroup,
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

const isRoot = process.getuid?.() === 0;
const parts = '.bcopy.r1.0.parts';
let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;
const outside = (name: string) => `${trees.top}/${name}`;
const modeOf = (path: string) => statSync(path).mode & 0o7777;
const inodeOf = (path: string) => String(lstatSync(path, { bigint: true }).ino);
const text = (path: string) => readFileSync(path, 'utf8');

function make(path: string, content = 'x', mode = 0o644): void {
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** A file of one part, copied and completed. */
function copyPart(more: Parameters<typeof requestFor>[1] = {}) {
  const storage = new PosixStorage(requestFor(trees, more));
  const request = { ordinal: 0, path: 'big', bytes: 4, from: 0 };
  const result = storage.copyPart(request);
  const seen = statSync(destination(parts));
  const finished = 'part' in result ? storage.completeFile({ ...request, ...result.part }) : undefined;
  storage.close();
  return { seen, finished };
}

describe('the temporary file of parts is made anew where', () => {
  beforeEach(() => {
    make(source('big'), 'good', 0o600);
    make(outside('canary'), 'their own content');
  });

  test.each<[string, () => void]>([
    ['a further name of another file is in its place', () => linkSync(outside('canary'), destination(parts))],
    ['a symlink is in its place', () => symlinkSync(outside('canary'), destination(parts))],
    ['a FIFO is in its place', () => execaSync('mkfifo', [destination(parts)])],
  ])('%s', (_what, put) => {
    put();
    const { seen, finished } = copyPart();
    expect([seen.mode & 0o7777, seen.nlink]).toEqual([0o600, 1]);
    expect(finished).toEqual({ kind: 'copied' });
    expect([text(destination('big')), text(outside('canary'))]).toEqual(['good', 'their own content']);
  });

  test.each([
    ['others may read it and have it open', 0o644, undefined],
    ['it belongs to somebody else, who has it open', 0o600, 1234],
  ])('%s', (_what, mode, owner) => {
    if (owner !== undefined && !isRoot) return;
    make(destination(parts), 'older', mode);
    if (owner !== undefined) chownSync(destination(parts), owner, owner);
    const open = openSync(destination(parts), 'r');
    const { seen } = copyPart();
    expect(readFileSync(open, 'utf8')).toBe('older');
    closeSync(open);
    expect([seen.uid, seen.mode & 0o7777]).toEqual([process.getuid?.(), 0o600]);
    expect(text(destination('big'))).toBe('good');
  });

  test('its directory gives ACLs away, which are not to be kept either', () => {
    chmodSync(source('big'), 0o640);
    setAcl(trees.destination, '-m', 'd:u:1234:rwx');
    copyPart({ fidelity: { ...fullFidelity, keep: keepWords.filter((word) => word !== 'acl') } });
    expect(aclOf(destination('big'))).toEqual(['user::rw-', 'group::r--', 'other::---']);
  });
});

describe('a symlink in the path of a tree that was not there at the time of planning', () => {
  beforeEach(() => {
    mkdirSync(outside('moved'));
    make(source('a'));
  });
  const swap = (path: string) => {
    renameSync(path, `${path}.away`);
    symlinkSync(outside('moved'), path);
  };

  test('is not followed to the destination', () => {
    const request = requestFor(trees, { destinationInode: inodeOf(trees.destination) });
    swap(trees.destination);
    expect(() => new PosixStorage(request)).toThrow('open the destination');
    expect(readdirSync(outside('moved'))).toEqual([]);
  });

  test('is not followed in place of a parent', () => {
    mkdirSync(destination('deep/tree'), { recursive: true });
    mkdirSync(outside('moved/tree'));
    const request = requestFor({ ...trees, destination: destination('deep/tree') });
    swap(destination('deep'));
    expect(() => new PosixStorage(request)).toThrow('open the destination');
  });

  test('is not followed to the source', () => {
    const request = requestFor(trees);
    swap(trees.source);
    expect(() => new PosixStorage(request)).toThrow('open the source');
  });

  test('is another way to the same directory on another node', () => {
    const destinationInode = inodeOf(trees.destination);
    renameSync(trees.destination, outside('other'));
    symlinkSync(outside('other'), trees.destination);
    const storage = new PosixStorage(requestFor(trees, { destinationInode }));
    storage.copyGroup(filesGroup(['a'], 1));
    storage.close();
    expect(readdirSync(outside('other'))).toEqual(['a']);
  });

  test('leads to where the destination was to be made, but not on', () => {
    const request = requestFor(
      { source: trees.source, destination: destination('new') },
      { destinationInode: inodeOf(trees.destination) },
    );
    renameSync(trees.destination, outside('other'));
    symlinkSync(outside('other'), trees.destination);
    mkdirSync(outside('other/new'));
    new PosixStorage(request).close();
    renameSync(outside('other/new'), outside('other/away'));
    symlinkSync(outside('moved'), outside('other/new'));
    expect(() => new PosixStorage(request)).toThrow('open the destination');
  });

  test('does not make the destination elsewhere', () => {
    const inode = inodeOf(trees.destination);
    expect(makeRoot(destination('new'), inode)).toBe(true);
    expect(makeRoot(destination('new'), inode)).toBe(false);
    expect(modeOf(destination('new'))).toBe(0o700);
    swap(trees.destination);
    expect(() => makeRoot(destination('other'), inode)).toThrow();
    expect(readdirSync(outside('moved'))).toEqual([]);
  });
});

describe('a directory that is at the destination already', () => {
  function copyInto() {
    const storage = new PosixStorage(requestFor(trees));
    const entries = scanned(trees.source);
    storage.copyGroup(groupFor(entries));
    return { storage, entries };
  }

  test('is open to no more people than its source while files are copied into it', () => {
    mkdirSync(source('d/e'), { recursive: true });
    make(source('d/e/a'));
    chmodSync(source('d'), 0o2750);
    mkdirSync(destination('d/e'), { recursive: true });
    for (const path of [trees.source, source('d/e'), trees.destination, destination('d')])
      chmodSync(path, 0o755);
    chmodSync(destination('d/e'), 0o777);
    chmodSync(trees.source, 0o700);
    const { storage, entries } = copyInto();
    expect([trees.destination, destination('d'), destination('d/e')].map(modeOf)).toEqual([
      0o700, 0o750, 0o755,
    ]);
    copyTree(storage, entries);
    expect([trees.destination, destination('d'), destination('d/e')].map(modeOf)).toEqual([
      0o700, 0o2750, 0o755,
    ]);
    storage.close();
  });

  test('is closed to whom only its own ACL names', () => {
    mkdirSync(source('d'));
    make(source('d/a'));
    mkdirSync(destination('d'));
    for (const path of [source('d'), destination('d')]) chmodSync(path, 0o755);
    setAcl(destination('d'), '-m', 'u:1234:rwx');
    const { storage, entries } = copyInto();
    expect(aclOf(destination('d'))).toContain('mask::---');
    copyTree(storage, entries);
    expect(aclOf(destination('d'))).toEqual(['user::rwx', 'group::r-x', 'other::r-x']);
    storage.close();
  });

  test.runIf(isRoot)(
    'and somebody else’s may give ACLs at any moment, which what is made in it loses',
    () => {
      mkdirSync(source('d'));
      for (const name of ['a', 'b']) make(source(`d/${name}`), 'x', 0o640);
      mkdirSync(destination('d'));
      chownSync(destination('d'), 1234, 1234);
      const storage = new PosixStorage(requestFor(trees));
      const entries = scanned(trees.source);
      const [a, b] = ['d/a', 'd/b'].map((path) => groupFor(entries.filter((entry) => entry.path === path)));
      storage.copyGroup(a!);
      setAcl(destination('d'), '-m', 'd:u:1234:rwx');
      storage.copyGroup(b!);
      storage.close();
      for (const name of ['d/a', 'd/b'])
        expect(aclOf(destination(name))).toEqual(['user::rw-', 'group::r--', 'other::---']);
    },
  );
});

test('a report is not written through what somebody has put in its place', async () => {
  make(outside('canary'), 'their own content');
  const report = destination('7.log');
  symlinkSync(outside('canary'), report);
  symlinkSync(outside('canary'), `${report}.${process.pid}.tmp`);
  await replaceFile(report, 'the account');
  expect([text(report), lstatSync(report).isSymbolicLink()]).toEqual(['the account', false]);
  expect(text(outside('canary'))).toBe('their own content');
  expect(readdirSync(trees.destination)).toEqual(['7.log']);
});
