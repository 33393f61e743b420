import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { aclOf, attributesBelow, differences, setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import {
  copyTree,
  filesGroup,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

/** VFS_CAP_REVISION_2 with CAP_NET_RAW, effective. */
const netRaw = '0x0100000200200000000000000000000000000000';

describe.each(fileSystems.filter((kind) => kind !== 'ramfs'))(
  'extended attributes and ACLs on %s',
  (kind) => {
    let mounted: Mounted | string;
    let trees: TwoTrees;
    beforeAll(async () => {
      mounted = await mountNew(kind);
    });
    afterAll(async () => {
      if (typeof mounted !== 'string') await mounted.unmount();
    });
    beforeEach(({ skip }) => {
      if (typeof mounted === 'string') skip(mounted);
      else trees = makeTwoTrees(mounted.path);
    });
    afterEach(() => trees?.remove());

    const source = (name: string) => `${trees.source}/${name}`;
    const destination = (name: string) => `${trees.destination}/${name}`;

    function makeFile(name: string, mode = 0o640): string {
      writeFileSync(source(name), name);
      chmodSync(source(name), mode);
      return source(name);
    }

    function copyAll() {
      const storage = new PosixStorage(requestFor(trees));
      const { outcomes, group } = copyTree(storage, scanned(trees.source));
      const notes = new Map([...group.notes, ...storage.takeNotes()]);
      storage.close();
      return { outcomes, notes };
    }

    async function expectEqual(): Promise<void> {
      expect(copyAll()).toEqual({ outcomes: [], notes: new Map() });
      expect(await attributesBelow(trees.destination)).toBe(await attributesBelow(trees.source));
      expect(await differences(trees.source, trees.destination)).toBe('');
    }

    test('of the user and of root arrive as they are', async () => {
      setAttribute(makeFile('a'), 'user.short', 'x');
      setAttribute(source('a'), 'user.empty', '');
      setAttribute(source('a'), 'user.bytes', '0x00ff0a00');
      setAttribute(source('a'), 'user.caf\u00e9 and a blank', 'y');
      setAttribute(source('a'), 'trusted.root', 'z');
      for (let i = 0; i < 20; i++)
        setAttribute(makeFile(`many${i}`), `user.${'n'.repeat(200)}${i}`, 'v'.repeat(i * 90));
      mkdirSync(source('d'));
      setAttribute(source('d'), 'user.directory', 'x');
      setAttribute(source('d'), 'trusted.directory', 'x');
      setAttribute(trees.source, 'user.root of the tree', 'x');
      symlinkSync('elsewhere', source('s'));
      setAttribute(source('s'), 'trusted.symlink', 'x');
      linkSync(source('a'), source('d/b'));
      await expectEqual();
    });

    test('more names than fit a short list arrive', async () => {
      makeFile('a');
      for (let i = 0; i < 12; i++) setAttribute(source('a'), `user.${'n'.repeat(90)}${i}`, 'x');
      await expectEqual();
    });

    test('a capability arrives, also of a file that changes its owner', async () => {
      setAttribute(makeFile('ping', 0o4755), 'security.capability', netRaw);
      chownSync(source('ping'), 1234, 1234);
      chmodSync(source('ping'), 0o4755);
      setAttribute(source('ping'), 'security.capability', netRaw);
      await expectEqual();
      expect(execaSync('getcap', [destination('ping')], { reject: false }).stdout).toMatch(/cap_net_raw|^$/);
    });

    test('ACLs arrive, access and default', async () => {
      setAcl(makeFile('a'), '-m', 'u:1234:rw,g:1235:r,m::rw');
      setAcl(makeFile('masked', 0o600), '-m', 'u:1234:rwx,m::-');
      mkdirSync(source('d'));
      setAcl(source('d'), '-m', 'u:1234:rwx', '-m', 'd:u:1236:rx,d:g:1237:rwx,d:m::rx');
      mkdirSync(source('d/only default'));
      setAcl(source('d/only default'), '-b', '-m', 'd:u:1:r');
      makeFile('d/inherited');
      makeFile('d/without');
      setAcl(source('d/without'), '-b');
      execaSync('mkfifo', [source('fifo')]);
      setAcl(source('fifo'), '-m', 'u:1234:rw');
      await expectEqual();
    });

    test('what a directory has is replaced by what its source has', async () => {
      for (const path of [source('d'), destination('d')]) mkdirSync(path);
      setAttribute(source('d'), 'user.same', 'x');
      setAttribute(source('d'), 'user.other', 'x');
      setAttribute(destination('d'), 'user.same', 'x');
      setAttribute(destination('d'), 'user.other', 'not x');
      setAttribute(destination('d'), 'user.more', 'x');
      for (const path of [source('d'), destination('d')]) setAttribute(path, 'trusted.same', 'x');
      setAcl(destination('d'), '-m', 'u:1234:rwx,d:u:1234:rwx');
      await expectEqual();
      const storage = new PosixStorage(requestFor(trees));
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'skipped' });
      utimesSync(source('d'), 7, 7);
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'copied' });
      setAttribute(source('d'), 'user.late', 'x');
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'copied' });
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'skipped' });
      storage.close();
    });

    test('what root has put on a directory is not taken away', () => {
      for (const path of [source('d'), destination('d')]) mkdirSync(path);
      setAttribute(destination('d'), 'trusted.more', 'x');
      expect(copyAll().outcomes).toEqual([]);
      expect(execaSync('getfattr', ['-m', '-', destination('d')]).stdout).toContain('trusted.more');
    });

    test('a default ACL of the destination does not widen what is made in it', async () => {
      setAcl(trees.destination, '-m', 'd:u:1234:rwx,d:o::rwx');
      mkdirSync(destination('d'));
      mkdirSync(source('d'));
      mkdirSync(source('d/e'));
      for (const name of ['a', 'd/a', 'd/e/a']) makeFile(name, 0o664);
      execaSync('mkfifo', [source('d/fifo')]);
      chmodSync(source('d/fifo'), 0o666);
      const entries = scanned(trees.source);
      const storage = new PosixStorage(requestFor(trees));
      storage.copyGroup(filesGroup(['a']));
      expect(aclOf(destination('a'))).toEqual(['user::rw-', 'group::rw-', 'other::r--']);
      expect(copyTree(storage, entries).outcomes).toEqual([]);
      storage.close();
      expect(await differences(trees.source, trees.destination)).toBe('');
      for (const name of ['', 'd', 'd/e', 'd/a', 'd/e/a', 'd/fifo'])
        expect(aclOf(destination(name)).filter((line) => line.includes('1234'))).toEqual([]);
    });

    test('a divided file has its attributes and no ACL of its directory', async () => {
      setAttribute(makeFile('big', 0o664), 'user.a', 'x');
      setAcl(trees.destination, '-m', 'd:u:1234:rwx');
      const storage = new PosixStorage(requestFor(trees));
      const copied = storage.copyPart({ ordinal: 1, path: 'big', bytes: 3, from: 0 });
      if (!('part' in copied)) throw new Error('not copied');
      const { version, temporary, same } = copied.part;
      // As after a finish that came as far as the directories
      setAcl(trees.destination, '-k');
      const again = new PosixStorage(requestFor(trees));
      expect(again.completeFile({ ordinal: 1, path: 'big', bytes: 3, version, temporary, same })).toEqual({
        kind: 'copied',
      });
      for (const opened of [storage, again]) opened.close();
      expect(aclOf(destination('big'))).toEqual(['user::rw-', 'group::rw-', 'other::r--']);
      expect(await attributesBelow(trees.destination)).toBe(await attributesBelow(trees.source));
    });

    test('an immutable or append-only file is copied, and that is told', ({ skip }) => {
      for (const [name, flag] of [
        ['i', '+i'],
        ['a', '+a'],
      ] as const) {
        if (execaSync('chattr', [flag, makeFile(name)], { reject: false }).failed)
          skip('there are no such flags here');
      }
      try {
        const { outcomes, notes } = copyAll();
        expect(outcomes).toEqual([]);
        expect(notes).toEqual(
          new Map([
            ['immutable flag not kept', 1],
            ['append-only flag not kept', 1],
          ]),
        );
        expect(statSync(destination('i')).size).toBe(1);
      } finally {
        execaSync('chattr', ['-ia', source('i'), source('a')]);
      }
    });
  },
);
