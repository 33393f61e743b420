import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fidelity, fullFidelity } from '../../../../core/model/fidelity.ts';
import type { FinishedEntry, GroupOutcome } from '../../../../core/storage/storage.ts';
import { aclOf, attributesBelow, differences, setAcl, setAttribute } from '../../../helpers/attributes.ts';
import {
  buildStorageProgram,
  type Call,
  ordinaryUser,
  type StorageProgram,
} from '../../../helpers/storage-as-user.ts';
import {
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  sumOf,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

let program: StorageProgram;
let trees: TwoTrees;
beforeAll(async () => {
  program = await buildStorageProgram();
});
afterAll(() => program.remove());
beforeEach(() => {
  trees = makeTwoTrees();
  chmodSync(trees.top, 0o755);
  for (const path of [trees.source, trees.destination]) own(path);
});
afterEach(() => trees.remove());

const isRoot = process.getuid?.() === 0;
const own = (path: string) => chownSync(path, ordinaryUser, ordinaryUser);
const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;

function make(name: string, mode = 0o644): string {
  writeFileSync(source(name), 'x');
  own(source(name));
  chmodSync(source(name), mode);
  return source(name);
}

function makeDirectory(name: string): string {
  mkdirSync(source(name));
  own(source(name));
  return source(name);
}

/** All of the source, copied by the user. */
async function copyAll(fidelity: Partial<Fidelity> = {}) {
  const entries = scanned(trees.source);
  const directories = entries.filter(({ entry }) => entry.kind === 'directory').reverse();
  const calls: Call[] = [
    ['copyGroup', groupFor(entries)],
    ...directories.map(({ ordinal, path }): Call => ['completeDirectory', ordinal, path]),
    ['takeNotes'],
  ];
  const request = requestFor(trees, { fidelity: { ...fullFidelity, ...fidelity } });
  const results = await program.run({ request, calls });
  const group = results[0] as GroupOutcome;
  const finished = results.slice(1, -1) as FinishedEntry[];
  const more = finished.flatMap((entry) => (entry.kind === 'outcome' ? [entry.outcome] : []));
  const notes = Object.fromEntries([...group.notes, ...(results.at(-1) as Map<string, number>)]);
  return { outcomes: [...group.outcomes, ...more].map(({ path, cause }) => [path, cause]), notes, group };
}

describe('an ordinary user', () => {
  test('keeps extended attributes and ACLs, also of what he may only read', async () => {
    setAttribute(make('a', 0o444), 'user.a', 'x');
    setAcl(source('a'), '-m', 'u:1234:r');
    setAcl(make('masked', 0o600), '-m', 'u:1234:rwx,m::-');
    setAttribute(makeDirectory('d'), 'user.d', 'x');
    setAcl(source('d'), '-m', 'u:1234:rwx,d:u:1235:rx');
    make('d/b');
    chmodSync(source('d'), 0o555);
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(await attributesBelow(trees.destination)).toBe(await attributesBelow(trees.source));
    expect(await differences(trees.source, trees.destination)).toBe('');
  });

  test('changes the attributes of a directory that is closed to its owner', async () => {
    setAttribute(makeDirectory('d'), 'user.d', 'x');
    chmodSync(source('d'), 0o555);
    mkdirSync(destination('d'));
    own(destination('d'));
    chmodSync(destination('d'), 0o555);
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(await differences(trees.source, trees.destination)).toBe('');
  });

  test('does not widen what is made below a default ACL', async () => {
    setAcl(trees.destination, '-m', 'd:u:1234:rwx');
    makeDirectory('d');
    make('d/a', 0o664);
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(aclOf(destination('d/a'))).toEqual(['user::rw-', 'group::rw-', 'other::r--']);
    expect(await differences(trees.source, trees.destination)).toBe('');
  });

  test.runIf(isRoot)('has no attributes of root, and loses none that he could see', async () => {
    setAttribute(make('a'), 'trusted.a', 'x');
    setAttribute(source('a'), 'security.capability', '0x0100000200200000000000000000000000000000');
    setAttribute(source('a'), 'user.a', 'x');
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(await attributesBelow(trees.destination)).toContain('user.a');
    expect(await attributesBelow(trees.destination)).not.toMatch(/trusted|security/);
  });

  test.runIf(isRoot)('keeps his group where the directory would give another', async () => {
    chownSync(trees.destination, ordinaryUser, 1234);
    chmodSync(trees.destination, 0o2777);
    make('a');
    makeDirectory('d');
    make('d/a');
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(['a', 'd', 'd/a'].map((name) => statSync(destination(name)).gid)).toEqual(
      Array(3).fill(ordinaryUser),
    );
    expect(await differences(trees.source, trees.destination)).toBe('');
  });

  test.runIf(isRoot)('makes no devices, and is told how many', async () => {
    execaSync('mknod', [source('null'), 'c', '1', '3']);
    execaSync('mknod', [source('zero'), 'c', '1', '5']);
    for (const name of ['null', 'zero']) own(source(name));
    make('a');
    const { outcomes, notes, group } = await copyAll();
    expect(outcomes).toEqual([]);
    expect(notes).toEqual({ 'device not made: needs root': 2 });
    expect([sumOf(group, 'skipped').entries, sumOf(group, 'copied').entries]).toEqual([2, 1]);
    expect(readdirSync(trees.destination)).toEqual(['a']);
    const strict = await copyAll({ require: ['device'] });
    expect(strict.outcomes.sort()).toEqual([
      ['null', 'NOT_KEPT'],
      ['zero', 'NOT_KEPT'],
    ]);
  });

  test.runIf(isRoot)('fails what must keep an owner that is not his', async () => {
    writeFileSync(source('theirs'), 'x');
    make('mine');
    const { outcomes } = await copyAll({ require: ['owner'] });
    expect(outcomes).toEqual([['theirs', 'NOT_KEPT']]);
    expect(readdirSync(trees.destination)).toEqual(['mine']);
  });

  test('makes FIFOs and sockets', async () => {
    execaSync('mkfifo', [source('fifo')]);
    const script =
      'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
    execaSync(process.execPath, ['-e', script, source('socket')], { reject: false });
    for (const name of ['fifo', 'socket']) own(source(name));
    expect(await copyAll()).toMatchObject({ outcomes: [], notes: {} });
    expect(await differences(trees.source, trees.destination)).toBe('');
  });
});
