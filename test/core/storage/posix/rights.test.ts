import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PartOutcome } from '../../../../core/model/outcome.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import type { Snoop } from '../../../helpers/snooper.ts';
import { buildChild, buildStorageProgram, ordinaryUser } from '../../../helpers/storage-as-user.ts';
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
const program = await buildStorageProgram();
const snooper = await buildChild<Snoop, string[]>('snooper');
afterAll(() => {
  program.remove();
  snooper.remove();
});

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
  chmodSync(trees.top, 0o777);
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;
const modeOf = (path: string) => statSync(path).mode & 0o7777;
const canTrace = async () => !(await execa('strace', ['-c', 'true'], { reject: false })).failed;

function make(name: string, mode: number, [uid, gid] = [process.getuid!(), process.getgid!()]): void {
  writeFileSync(source(name), 'x'.repeat(100));
  chownSync(source(name), uid, gid);
  chmodSync(source(name), mode);
}

describe.runIf(isRoot)('a file', () => {
  test('is made closed, and gets owner, ACL, mode, capability, times and name in this order', async ({
    skip,
  }) => {
    if (!(await canTrace())) skip('strace is not installed here, or may not trace');
    make('a', 0o6755, [1234, 1235]);
    setAttribute(source('a'), 'user.a', 'x');
    setAcl(source('a'), '-m', 'u:1236:rx');
    chmodSync(source('a'), 0o6755);
    setAttribute(source('a'), 'security.capability', '0x0100000200200000000000000000000000000000');
    const log = `${trees.top}/calls`;
    const traced = 'trace=openat,pwrite64,fchown,fsetxattr,fchmod,statx,utimensat,linkat';
    const work = { request: requestFor(trees), calls: [['copyGroup', filesGroup(['a'], 100)]] as const };
    await program.run(work, ['strace', '-f', '-e', traced, '-o', log], 0);
    const lines = readFileSync(log, 'utf8').split('\n');
    const from = lines.findIndex((line) => line.includes('O_TMPFILE'));
    const to = lines.findIndex((line) => line.includes('linkat('));
    expect(lines[from]).toContain('0600');
    const calls = lines.slice(from, to + 1).flatMap((line) => wordOf(line) ?? []);
    expect(calls.filter((call) => call !== 'statx')).toEqual([
      'openat',
      'pwrite64',
      'fchown',
      ...['user.a', 'system.posix_acl_access'].sort().toReversed(),
      'fchmod',
      'security.capability',
      'utimensat',
      'linkat',
    ]);
    expect(modeOf(destination('a'))).toBe(0o6755);
    // Before it is setuid, and before it has its name: each asks a network file system's server
    const looks = lines.slice(from, to).filter((line) => line.includes('AT_STATX_FORCE_SYNC'));
    expect(looks.length).toBe(2);
  });

  test('whose owner or group is not kept loses setuid or setgid with it', async () => {
    make('theirs', 0o6755, [1234, 1235]);
    make('setuid', 0o4755, [1234, ordinaryUser]);
    make('setgid', 0o2755, [1234, ordinaryUser]);
    make('own', 0o6755, [ordinaryUser, ordinaryUser]);
    make('group', 0o2755, [ordinaryUser, 1235]);
    chownSync(trees.destination, ordinaryUser, ordinaryUser);
    const names = ['theirs', 'setuid', 'setgid', 'own', 'group'];
    const work = { request: requestFor(trees), calls: [['copyGroup', filesGroup(names, 100)]] as const };
    const [group] = (await program.run(work)) as [GroupOutcome];
    expect(group.outcomes).toEqual([]);
    expect(names.map((name) => modeOf(destination(name)))).toEqual([0o755, 0o755, 0o2755, 0o6755, 0o755]);
    expect(Object.fromEntries(group.notes)).toEqual({
      'owner not kept': 3,
      'group not kept': 1,
      'setuid or setgid not kept': 3,
    });
  });

  test('whose group is not kept gives the other group no more than the others', async () => {
    make('a', 0o660, [ordinaryUser, 1235]);
    make('b', 0o664, [1234, 1235]);
    make('own', 0o660, [ordinaryUser, ordinaryUser]);
    mkdirSync(source('d'));
    chownSync(source('d'), ordinaryUser, 1235);
    chmodSync(source('d'), 0o770);
    chownSync(trees.destination, ordinaryUser, ordinaryUser);
    const entries = scanned(trees.source);
    const directory = entries.find(({ path }) => path === 'd')!;
    await program.run({
      request: requestFor(trees),
      calls: [
        ['copyGroup', groupFor(entries)],
        ['completeDirectory', directory.ordinal, 'd'],
      ],
    });
    expect(['a', 'b', 'own', 'd'].map((name) => modeOf(destination(name)))).toEqual([
      0o600, 0o644, 0o660, 0o700,
    ]);
  });
});

test.runIf(isRoot)(
  'a divided file that is closed to its owner gets its name from a second finish',
  async () => {
    make('big', 0o400, [ordinaryUser, ordinaryUser]);
    chownSync(trees.destination, ordinaryUser, ordinaryUser);
    const big = { ordinal: 0, path: 'big', bytes: 100 };
    const request = requestFor(trees);
    const work = { request, calls: [['copyPart', { ...big, from: 0 }]] as const };
    const [copied] = (await program.run(work)) as [{ part: PartOutcome }];
    // The first was ended before it could rename it
    chmodSync(destination('.bcopy.r1.0.parts'), 0o400);
    const finish = { request, calls: [['completeFile', { ...big, ...copied.part }]] as const };
    expect(await program.run(finish)).toEqual([{ kind: 'copied' }]);
    expect(modeOf(destination('big'))).toBe(0o400);
  },
);

describe.runIf(isRoot)('somebody who watches the destination', () => {
  test('can open nothing that is closed to him at the source, whatever the destination gives away', async () => {
    for (const directory of ['open', 'closed', 'closed/deep', 'there']) mkdirSync(source(directory));
    for (let i = 0; i < 20; i++) {
      make(`open/${i}`, [0o600, 0o640, 0o4700][i % 3]!);
      make(`closed/deep/${i}`, 0o644);
      make(`there/${i}`, 0o666);
    }
    make('top', 0o640);
    make('open/big', 0o600);
    execaSync('mkfifo', ['-m', '0600', source('open/pipe')]);
    for (const [name, mode] of [
      ['open', 0o755],
      ['closed', 0o700],
      ['closed/deep', 0o755],
      ['there', 0o700],
    ] as const)
      chmodSync(source(name), mode);
    chmodSync(trees.source, 0o755);
    const stop = `${trees.top}/stop`;
    const watching = snooper.run({ top: trees.destination, stop });
    await expect.poll(() => existsSync(`${stop}.ready`), { timeout: 60_000 }).toBe(true);
    for (let round = 0; round < 15; round++) copyAnew();
    writeFileSync(stop, '');
    // Itself it was open before
    const open = [destination('open'), destination('there')];
    expect((await watching).filter((path) => !open.includes(path))).toEqual([]);
  });

  function copyAnew(): void {
    for (const name of ['top', 'open', 'closed', 'there'])
      rmSync(destination(name), { recursive: true, force: true });
    chmodSync(trees.destination, 0o755);
    // What is made below is open to everybody unless it is closed on purpose
    setAcl(trees.destination, '-m', `d:u:${ordinaryUser}:rwx,d:g::rwx,d:o::rwx`);
    mkdirSync(destination('there'));
    execaSync('setfacl', ['-b', destination('there')]);
    chmodSync(destination('there'), 0o777);
    const entries = scanned(trees.source);
    const storage = new PosixStorage(requestFor(trees));
    const big = {
      ordinal: entries.find(({ path }) => path === 'open/big')!.ordinal,
      path: 'open/big',
      bytes: 100,
    };
    const part = storage.copyPart({ ...big, from: 0 });
    if ('part' in part) storage.completeFile({ ...big, ...part.part });
    expect(copyTree(storage, entries).outcomes).toEqual([]);
    storage.close();
  }
});

/** What a traced call does: its name, or the attribute that it sets. */
function wordOf(line: string): string | undefined {
  const attribute = /fsetxattr\(\d+, "([^"]+)"/.exec(line)?.[1];
  return attribute ?? /^\d+ +(\w+)\(/.exec(line)?.[1];
}
