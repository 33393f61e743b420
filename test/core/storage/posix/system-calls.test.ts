import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import type { Entry } from '../../../../core/model/entry.ts';
import { countsChanges } from '../../../../core/storage/posix/told-changes.ts';
import { setAcl } from '../../../helpers/attributes.ts';
import { mountNew } from '../../../helpers/file-systems.ts';
import { buildStorageProgram, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { filesGroup, groupFor, makeTwoTrees, placed, requestFor } from '../../../helpers/storage-trees.ts';

const program = await buildStorageProgram();
afterAll(() => program.remove());

/** All traced calls of a process that copies so many files of one byte into a new directory, or finds them there. */
async function callsFor(files: number, sourceIn?: string, isThere = false): Promise<Map<string, number>> {
  const both = makeTwoTrees();
  const trees = sourceIn === undefined ? both : { ...both, source: `${sourceIn}/${files}` };
  try {
    chmodSync(trees.top, 0o755);
    mkdirSync(`${trees.source}/d`, { recursive: true });
    const names = Array.from({ length: files }, (_, i) => `f${i}`);
    for (const name of names) {
      writeFileSync(`${trees.source}/d/${name}`, 'x');
      chownSync(`${trees.source}/d/${name}`, ordinaryUser, ordinaryUser);
    }
    for (const path of [trees.destination, `${trees.source}/d`]) chownSync(path, ordinaryUser, ordinaryUser);
    if (isThere) await execa('cp', ['-a', `${trees.source}/.`, trees.destination]);
    const entries: Entry[] = [{ kind: 'directory', path: 'd' }];
    const group = groupFor(
      placed([...entries, ...names.map((name): Entry => ({ kind: 'file', name, bytes: 1 }))]),
    );
    const summary = `${trees.top}/calls`;
    const strace = ['strace', '-f', '-c', '-e', 'trace=%file,%desc', '-o', summary];
    await program.run(
      { request: requestFor(trees, { mayExist: isThere }), calls: [['copyGroup', group]] },
      strace,
    );
    return countsIn(readFileSync(summary, 'utf8'));
  } finally {
    trees.remove();
  }
}

/** Whether what is copied here is remembered to have no attributes. */
function mayRemember(): boolean {
  const fd = openSync(tmpdir(), 'r');
  try {
    return countsChanges(fd, statSync(tmpdir()).dev);
  } finally {
    closeSync(fd);
  }
}

/** The table of strace: seconds, calls and the name among its columns. */
function countsIn(table: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of table.split('\n')) {
    const [, calls, name] = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w*)$/.exec(line) ?? [];
    if (name !== undefined && name !== 'total') counts.set(name, Number(calls));
  }
  return counts;
}

test('a small file in a new directory costs eleven system calls, one to ask for extended attributes, and two to remember none', async ({
  skip,
}) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  const [few, many] = [await callsFor(50), await callsFor(250)];
  const remembers = mayRemember();
  const engine = [
    'openat',
    'statx',
    'pread64',
    'pwrite64',
    'write',
    'read',
    'fchmod',
    'fchown',
    'utimensat',
    'close',
    'flistxattr',
    'fgetxattr',
    'fsetxattr',
    'fremovexattr',
  ];
  const perFile = [...many].map(([name, calls]) => [name, (calls - (few.get(name) ?? 0)) / 200] as const);
  const sum = perFile.reduce((total, [, calls]) => total + calls, 0);
  expect(
    Math.round(sum * 10) / 10,
    JSON.stringify(perFile.filter(([, calls]) => calls > 0)),
  ).toBeLessThanOrEqual(remembers ? 14.1 : 12.1);
  const counted = new Map(perFile);
  expect(engine.map((name) => Math.round(counted.get(name) ?? 0))).toEqual([
    ...[2, remembers ? 3 : 2, 1, 1, 0, 0, 1, 0, 1, 2],
    ...[remembers ? 2 : 1, 0, 0, 0],
  ]);
});

test('a file that is there is looked at twice and asked for attributes twice, and not opened', async ({
  skip,
}) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  const [few, many] = [await callsFor(50, undefined, true), await callsFor(250, undefined, true)];
  const perFile = [...many].map(([name, calls]) => [name, (calls - (few.get(name) ?? 0)) / 200] as const);
  expect(Object.fromEntries(perFile.filter(([, calls]) => calls > 0.2))).toEqual({ statx: 2, llistxattr: 2 });
});

test('a source without extended attributes is not asked for them file by file', async ({ skip }) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  const mounted = await mountNew('ramfs');
  if (typeof mounted === 'string') return skip(mounted);
  try {
    const [few, many] = [await callsFor(50, mounted.path), await callsFor(250, mounted.path)];
    for (const name of ['flistxattr', 'fgetxattr'])
      expect([name, many.get(name)]).toEqual([name, few.get(name)]);
    expect(many.get('pwrite64')! - few.get('pwrite64')!).toBe(200);
  } finally {
    await mounted.unmount();
  }
});

test('a file is widened only when nothing it inherited is left, and its times come last', async ({
  skip,
}) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  const trees = makeTwoTrees();
  try {
    chmodSync(trees.top, 0o755);
    for (const name of ['plain', 'acl']) writeFileSync(`${trees.source}/${name}`, 'x');
    setAcl(`${trees.source}/acl`, '-m', 'u:1234:rw');
    for (const path of [trees.source, `${trees.source}/plain`, `${trees.source}/acl`, trees.destination])
      chownSync(path, ordinaryUser, ordinaryUser);
    setAcl(trees.destination, '-m', 'd:u:1235:rwx');
    const calls = 'trace=fchown,fsetxattr,fremovexattr,fchmod,utimensat,linkat,renameat,renameat2';
    const log = `${trees.top}/calls`;
    const group = filesGroup(['plain', 'acl'], 1);
    await program.run({ request: requestFor(trees), calls: [['copyGroup', group]] }, [
      'strace',
      '-f',
      '-e',
      calls,
      '-o',
      log,
    ]);
    const names = [...readFileSync(log, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name);
    expect(names).toEqual([
      ...['fremovexattr', 'fchmod', 'utimensat', 'linkat'],
      ...['fsetxattr', 'fchmod', 'utimensat', 'linkat'],
    ]);
  } finally {
    trees.remove();
  }
});

test('a file that has its owner already is not given to him again', async ({ skip }) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed || process.getuid?.() !== 0) skip('needs strace and root');
  const trees = makeTwoTrees();
  try {
    for (const name of ['a', 'b', 'c']) writeFileSync(`${trees.source}/${name}`, 'x');
    chownSync(`${trees.source}/b`, 1234, 0);
    mkdirSync(`${trees.source}/shared`);
    mkdirSync(`${trees.destination}/shared`);
    // Its group goes to what is made in it
    chownSync(`${trees.destination}/shared`, 0, 1235);
    chmodSync(`${trees.destination}/shared`, 0o2755);
    for (const name of ['d', 'e']) writeFileSync(`${trees.source}/shared/${name}`, 'x');
    chownSync(`${trees.source}/shared/e`, 0, 1235);
    const entries: Entry[] = ['a', 'b', 'c', 'shared', 'd', 'e'].map((name) =>
      name === 'shared' ? { kind: 'directory', path: name } : { kind: 'file', name, bytes: 1 },
    );
    const log = `${trees.top}/calls`;
    const work = { request: requestFor(trees), calls: [['copyGroup', groupFor(placed(entries))]] as const };
    await program.run(work, ['strace', '-f', '-e', 'trace=fchown', '-o', log], 0);
    const calls = [...readFileSync(log, 'utf8').matchAll(/fchown\(\d+, (\d+), (\d+)\)/g)].map(
      ([, uid, gid]) => `${uid}:${gid}`,
    );
    expect(calls).toEqual(['1234:0', '0:0']);
    const owners = ['a', 'b', 'c', 'shared/d', 'shared/e'].map((name) => {
      const { uid, gid } = statSync(`${trees.destination}/${name}`);
      return `${uid}:${gid}`;
    });
    expect(owners).toEqual(['0:0', '1234:0', '0:0', '0:0', '0:1235']);
  } finally {
    trees.remove();
  }
});

test.each([
  [true, ['fsync', 'linkat']],
  [undefined, ['linkat']],
])(
  'a file is put on disk before it gets its name where that is asked for (%s)',
  async (syncsFiles, calls) => {
    if ((await execa('strace', ['-c', '-f', 'true'], { reject: false })).failed) return;
    const trees = makeTwoTrees();
    try {
      chmodSync(trees.top, 0o755);
      for (const name of ['a', 'b']) writeFileSync(`${trees.source}/${name}`, 'x');
      for (const name of ['a', 'b']) chownSync(`${trees.source}/${name}`, ordinaryUser, ordinaryUser);
      for (const path of [trees.source, trees.destination]) chownSync(path, ordinaryUser, ordinaryUser);
      const log = `${trees.top}/calls`;
      const request = requestFor(trees, syncsFiles === undefined ? {} : { syncsFiles });
      const group = filesGroup(['a', 'b'], 1);
      const strace = ['strace', '-f', '-e', 'trace=fsync,linkat', '-o', log];
      await program.run({ request, calls: [['copyGroup', group]] }, strace);
      const names = [...readFileSync(log, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name);
      // Node syncs its output when it ends
      expect(names.slice(0, names.lastIndexOf('linkat') + 1)).toEqual([...calls, ...calls]);
    } finally {
      trees.remove();
    }
  },
);

test('a file that cannot be linked without /proc gets a temporary name instead', async ({ skip }) => {
  const words = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
  const alone = await execa(words[0]!, [...words.slice(1), 'true'], { reject: false });
  if (alone.failed) skip('this user may not have mounts of his own');
  const trees = makeTwoTrees();
  try {
    for (const name of ['a', 'b']) writeFileSync(`${trees.source}/${name}`, name);
    const group = filesGroup(['a', 'b'], 1);
    await program.run({ request: requestFor(trees), calls: [['copyGroup', group]] }, words, 0);
    expect(readdirSync(trees.destination).sort()).toEqual(['a', 'b']);
    expect(readFileSync(`${trees.destination}/b`, 'utf8')).toBe('b');
  } finally {
    trees.remove();
  }
});
