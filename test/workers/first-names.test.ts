import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import type { FinishedEntry } from '../../core/storage/storage.ts';
import { linkedFrom } from '../../workers/first-names.ts';
import { done, failed, journalName, vanished, writeJournal } from '../helpers/run-fixture.ts';
import { requestFor, scanned } from '../helpers/storage-trees.ts';
import { makeTask, type TaskFixture, withTape } from '../helpers/task-fixture.ts';
import { file, hardLinkTo, makeTree } from '../helpers/tree.ts';

let task: TaskFixture;
beforeEach(async () => {
  const names = { a: file('x', { mtimeNs: 5n }), b: hardLinkTo('a'), c: hardLinkTo('a') };
  task = await makeTask(({ source }) => makeTree(source, names));
});
afterEach(() => task.remove());

/** Which of the three names the scan met first, second and third. */
function names(): [first: string, ...further: string[]] {
  const [, ...found] = scanned(`${task.trees.source}`);
  return found.map(({ path }) => path) as [string, ...string[]];
}

const below = (name: string) => `${task.trees.destination}/${name}`;
const inode = (name: string) => statSync(below(name)).ino;

/** Links all further names, the last first, as finish does, after a worker that wrote these lines. */
async function linkAll(lines: readonly JournalLine[], attempt = 1): Promise<(FinishedEntry | undefined)[]> {
  if (lines.length > 0) writeJournal(task.run.paths, journalName(0, attempt), lines);
  const state = await readRunState(task.run.paths, task.plan);
  const storage = new PosixStorage(requestFor(task.trees));
  try {
    return withTape(task.run, (tape) => {
      const context = task.context(journalName('finish', attempt));
      const firsts = linkedFrom({ context, state, storage, tape });
      return [3, 2].map((ordinal) => {
        const asked = firsts.link(tape.at(ordinal), 1);
        return asked !== undefined && 'firstPath' in asked ? storage.linkEntry(asked) : asked;
      });
    });
  } finally {
    storage.close();
  }
}

const kinds = (finished: readonly (FinishedEntry | undefined)[]) => finished.map((each) => each?.kind);

describe('further names of a file', () => {
  test('are links to the first', async () => {
    const [first, second, third] = names();
    writeFileSync(below(first), 'x');
    expect(kinds(await linkAll([done(0, 4, { copied: { entries: 1, bytes: 1 } })]))).toEqual([
      'linked',
      'linked',
    ]);
    expect([inode(second!), inode(third!)]).toEqual([inode(first), inode(first)]);
  });

  test('are copied in its stead when the first vanished: one of them, and the others are its links', async () => {
    const [first, second, third] = names();
    rmSync(`${task.trees.source}/${first}`);
    expect(kinds(await linkAll([vanished(1, 1)]))).toEqual(['copied', 'linked']);
    expect(readFileSync(below(second!), 'utf8')).toBe('x');
    expect(inode(second!)).toBe(inode(third!));
    expect(statSync(below(third!), { bigint: true }).mtimeNs).toBe(5n);
  });

  test('vanish with it when they are gone too', async () => {
    for (const name of names()) rmSync(`${task.trees.source}/${name}`);
    const finished = await linkAll([vanished(1, 1)]);
    expect(finished).toMatchObject([
      { outcome: { outcome: 'vanished' } },
      { outcome: { outcome: 'vanished' } },
    ]);
  });

  test('fail as it failed, each under its own name and without bytes', async () => {
    const [, second, third] = names();
    expect(await linkAll([failed(1, 1)])).toMatchObject([
      { outcome: { ordinal: 3, path: third, outcome: 'failed', cause: 'EACCES', bytes: 0 } },
      { outcome: { ordinal: 2, path: second, outcome: 'failed', cause: 'EACCES', bytes: 0 } },
    ]);
  });

  test('are left while it is left', async () => {
    expect(await linkAll([])).toEqual([undefined, undefined]);
  });
});
