import { linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type Fidelity, fullFidelity } from '../../core/model/fidelity.ts';
import { runFinish } from '../../workers/finish.ts';
import { runTask } from '../../workers/task.ts';
import { storageRequest, type TaskContext } from '../../workers/task-context.ts';
import { attributesBelow, setAttribute } from '../helpers/attributes.ts';
import { journalName } from '../helpers/run-fixture.ts';
import { keptLog, makeTask, type TaskFixture } from '../helpers/task-fixture.ts';

let task: TaskFixture;
afterEach(() => task.remove());

function contextOf(shard: number | 'finish', fidelity?: Fidelity): TaskContext {
  const context = task.context(journalName(shard));
  return { ...context, job: '77', attempt: { ...context.attempt, arrays: [], fidelity } };
}

/** A run from its first task to its end; the log that people read. */
async function copyAll(fidelity?: Fidelity): Promise<string> {
  const options = {
    program: new URL('file:///not/used'),
    log: keptLog().log,
    signal: new AbortController().signal,
  };
  expect(await runTask(contextOf(0, fidelity), options)).toBe('complete');
  expect(
    await runFinish(contextOf('finish', fidelity), {
      log: keptLog().log,
      program: new URL('file:///not/used'),
      signal: new AbortController().signal,
    }),
  ).toBe(true);
  return readFileSync(`${task.run.top}/77.log`, 'utf8');
}

const makeSource = () =>
  makeTask(async ({ source }) => {
    writeFileSync(`${source}/a`, 'x');
    setAttribute(`${source}/a`, 'user.a', 'x');
    symlinkSync('a', `${source}/s`);
    linkSync(`${source}/s`, `${source}/t`);
  });

describe('what an attempt asks for', () => {
  test('is everything when it was made before there was a choice', async () => {
    task = await makeSource();
    expect(storageRequest(contextOf(0), undefined).fidelity).toEqual(fullFidelity);
    expect(await copyAll()).not.toContain('note');
    expect(await attributesBelow(task.trees.destination)).toContain('user.a');
  });

  test('reaches the tasks and finish', async () => {
    task = await makeSource();
    const log = await copyAll({ keep: ['mode', 'times', 'links'], require: [], symlinks: 'skip' });
    expect(readdirSync(task.trees.destination)).toEqual(['a']);
    expect(await attributesBelow(task.trees.destination)).toBe('');
    expect(log).toContain('\nnote         symlink left out: 2 entries\n');
    expect(log).toContain('\nAll files are copied but 2 that were left out (see the notes).\n');
    expect(log).toMatch(/^skipped +2 /m);
  });
});
