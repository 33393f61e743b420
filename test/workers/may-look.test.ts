import { expect, test } from 'vitest';
import { byTime } from '../../core/model/compare.ts';
import { ShardState } from '../../core/run/shard-state.ts';
import { mayLook } from '../../workers/may-look.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { headerLine, journalName } from '../helpers/run-fixture.ts';
import { attemptOf, infoOf } from '../helpers/task-fixture.ts';

const info = infoOf({ source: '/a', destination: '/b' }, '1');
const created = Date.parse(info.createdAt);
const minute = 60_000;

function context(more: Partial<TaskContext> = {}): TaskContext {
  const [journal, attempt] = [journalName(0), attemptOf(1)];
  return { info, journal, attempt, hasDoubts: false, ...more } as TaskContext;
}

/** As after an earlier worker on the shard. */
function begun(): ShardState {
  const state = new ShardState();
  const name = journalName(0, 1, 0, 6);
  state.add(name, headerLine(name));
  return state;
}

const comparing = (more: object) => ({ attempt: { ...attemptOf(1), compare: { ...byTime, ...more } } });

test('the first worker on a shard believes what the scan saw, soon after it', () => {
  expect(mayLook(context(), new ShardState(), created + 59 * minute)).toBe(true);
});

test.each([
  ['long after the scan', {}, 61],
  ['long before it, by another clock', {}, -61],
  ['in another attempt', { journal: journalName(0, 2) }, 1],
  ['after SLURM has started the task again', { journal: journalName(0, 1, 1) }, 1],
  ['where a sync has failed', { hasDoubts: true }, 1],
  ['where nothing was there', { info: { ...info, destination: { ...info.destination, isNew: true } } }, 1],
  ['where content is compared', comparing({ by: 'checksum' }), 1],
  ['where its end is', comparing({ by: 'tail' }), 1],
  ['where whatever is there stays', comparing({ ignoreExisting: true }), 1],
])('nobody does %s', (_, more, minutes) => {
  expect(mayLook(context(more), new ShardState(), created + minutes * minute)).toBe(false);
});

test('nobody does after another worker on the shard', () => {
  expect(mayLook(context(), begun(), created + minute)).toBe(false);
});
