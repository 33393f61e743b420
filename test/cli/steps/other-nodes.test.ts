import { afterEach, beforeEach, expect, test } from 'vitest';
import { groupsByNode } from '../../../cli/steps/other-nodes.ts';
import type { Entry } from '../../../core/model/entry.ts';
import type { Plan } from '../../../core/model/plan.ts';
import { readRunState } from '../../../core/run/run-state.ts';
import { journalName, makeRun, planRun, type RunFixture, writeJournal } from '../../helpers/run-fixture.ts';

const entries: Entry[] = [
  { kind: 'directory', path: '' },
  ...Array.from({ length: 60 }, (_, i): Entry => ({ kind: 'file', name: `f${i}`, bytes: 1 })),
];
let run: RunFixture;
let plan: Plan;
beforeEach(() => {
  run = makeRun(entries);
  plan = planRun(run.paths, entries, 6);
});
afterEach(() => run.remove());

/** The groups of all shards, each of which was copied on the node of its place. */
async function groupsFor(nodes: readonly (string | undefined)[]) {
  for (const [shard, node] of nodes.entries())
    writeJournal(run.paths, journalName(shard), [], node === undefined ? {} : { node });
  return groupsByNode(await readRunState(run.paths, plan), [...plan.shards.keys()]);
}

test('each shard is left out on the node that has copied it, in two groups', async () => {
  expect(await groupsFor(['n1', 'n2', 'n1', 'n2', 'n1', 'n2'])).toEqual([
    { shards: [0, 2, 4], notOn: ['n1'] },
    { shards: [1, 3, 5], notOn: ['n2'] },
  ]);
});

test('the groups are about as large, however many nodes there were', async () => {
  expect(await groupsFor(['n1', 'n1', 'n1', 'n2', 'n3', 'n4'])).toEqual([
    { shards: [0, 1, 2], notOn: ['n1'] },
    { shards: [3, 4, 5], notOn: ['n2', 'n3', 'n4'] },
  ]);
});

test('a shard of which nobody knows the node is in either', async () => {
  expect(await groupsFor(['n1', 'n1', 'n2', undefined, 'n1', 'n2'])).toEqual([
    { shards: [0, 1, 4], notOn: ['n1'] },
    { shards: [2, 3, 5], notOn: ['n2'] },
  ]);
});

test('there are no groups where one node has copied all, or nobody knows', async () => {
  expect(await groupsFor(['n1', 'n1', 'n1', undefined, 'n1', 'n1'])).toBeUndefined();
  expect(await groupsFor(Array(6).fill(undefined))).toBeUndefined();
});

test('who has compared a shard does not matter', async () => {
  writeJournal(run.paths, journalName(0, 2), [], { node: 'n2', phase: 'verify', since: 2 });
  expect(await groupsFor(Array(6).fill('n1'))).toBeUndefined();
});
