import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import type { Entry } from '../../../../core/model/entry.ts';
import { buildStorageProgram, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { groupFor, makeTwoTrees, placed, requestFor } from '../../../helpers/storage-trees.ts';

const program = await buildStorageProgram();
afterAll(() => program.remove());

/** All traced calls of a process that copies so many files of one byte into a new directory. */
async function callsFor(files: number): Promise<Map<string, number>> {
  const trees = makeTwoTrees();
  try {
    chmodSync(trees.top, 0o755);
    mkdirSync(`${trees.source}/d`);
    const names = Array.from({ length: files }, (_, i) => `f${i}`);
    for (const name of names) {
      writeFileSync(`${trees.source}/d/${name}`, 'x');
      chownSync(`${trees.source}/d/${name}`, ordinaryUser, ordinaryUser);
    }
    for (const path of [trees.destination, `${trees.source}/d`]) chownSync(path, ordinaryUser, ordinaryUser);
    const entries: Entry[] = [{ kind: 'directory', path: 'd' }];
    const group = groupFor(
      placed([...entries, ...names.map((name): Entry => ({ kind: 'file', name, bytes: 1 }))]),
    );
    const summary = `${trees.top}/calls`;
    const strace = ['strace', '-f', '-c', '-e', 'trace=%file,%desc', '-o', summary];
    await program.run(
      { request: requestFor(trees, { mayExist: false }), calls: [['copyGroup', group]] },
      strace,
    );
    return countsIn(readFileSync(summary, 'utf8'));
  } finally {
    trees.remove();
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

test('a small file in a new directory costs eleven system calls', async ({ skip }) => {
  const strace = await execa('strace', ['-c', '-f', 'true'], { reject: false });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  const [few, many] = [await callsFor(50), await callsFor(250)];
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
  ];
  const perFile = [...many].map(([name, calls]) => [name, (calls - (few.get(name) ?? 0)) / 200] as const);
  const sum = perFile.reduce((total, [, calls]) => total + calls, 0);
  expect(
    Math.round(sum * 10) / 10,
    JSON.stringify(perFile.filter(([, calls]) => calls > 0)),
  ).toBeLessThanOrEqual(11.1);
  const counted = new Map(perFile);
  expect(engine.map((name) => Math.round(counted.get(name) ?? 0))).toEqual([2, 2, 1, 1, 0, 0, 1, 0, 1, 2]);
});
