import { describe, expect, it } from 'vitest';
import { type AttemptFacts, decideContinuation, type LeftShard } from '../../../core/model/continuation.ts';

const left = (end: string, state = '', node = 'n1'): LeftShard => ({ task: '7_0', node, end, state });

function decide(facts: Partial<AttemptFacts>) {
  return decideContinuation({
    attempts: 1,
    attemptsAtMost: 10,
    hasProgressed: true,
    left: [],
    causes: [],
    memoryMB: 1000,
    ...facts,
  });
}

const again = { kind: 'again', memoryMB: undefined, excludeNodes: [] };

describe('another attempt follows', () => {
  it.each([
    ['a worker that was warned of its time limit', [left('cut off', 'FAILED')], []],
    ['a task that ran into its time limit', [left('killed', 'TIMEOUT')], []],
    ['preemption', [left('cut off', 'PREEMPTED')], []],
    ['a worker that was killed', [left('killed', 'FAILED')], []],
    ['a task whose end nobody knows', [left('killed')], []],
    ['failures that may pass', [left('failures', 'FAILED')], ['EIO']],
    ['a source that changed', [left('failures', 'FAILED')], ['CHANGED', 'EACCES']],
    ['work that is left beside what only a person can mend', [left('cut off'), left('failures')], ['EACCES']],
    ['parts of two versions', [left('complete', 'COMPLETED')], []],
  ])('after %s', (_, shards, causes) => {
    expect(decide({ left: shards, causes })).toEqual(again);
  });

  it('with twice the memory after it ran out, also when nothing was recorded', () => {
    const facts = { left: [left('killed', 'OUT_OF_MEMORY')], hasProgressed: false };
    expect(decide(facts)).toEqual({ ...again, memoryMB: 2000 });
  });

  it('without the node that was lost, or on which tasks could not begin', () => {
    const shards = [left('killed', 'NODE_FAIL', 'n2'), left('not started', 'FAILED', 'n3'), left('cut off')];
    expect(decide({ left: shards, hasProgressed: false })).toEqual({ ...again, excludeNodes: ['n2', 'n3'] });
  });
});

describe('none follows', () => {
  it.each<[string, Partial<AttemptFacts>, string]>([
    ['a task that was cancelled', { left: [left('cut off', 'CANCELLED by 1001')] }, 'task 7_0 was cancelled'],
    ['a task that vanished while it waited', { left: [left('not started')] }, 'never started'],
    ['a full disk', { left: [left('cut off')], causes: ['ENOSPC'] }, 'no space left'],
    ['a full disk that no entry tells', { left: [left('hopeless')] }, 'nothing more can be written'],
    [
      'what only a person can mend',
      { left: [left('failures')], causes: ['EACCES'] },
      'only a person can mend permission denied',
    ],
    ['an attempt that came to nothing', { left: [left('killed')], hasProgressed: false }, 'copied nothing'],
    ['as many as were wanted', { left: [left('cut off')], attempts: 10 }, '10 of 10 attempts'],
    ['memory that nobody knows', { left: [left('killed', 'OUT_OF_MEMORY')], memoryMB: undefined }, '--mem'],
  ])('after %s', (_, facts, why) => {
    expect(decide(facts)).toEqual({ kind: 'ends', why: expect.stringContaining(why) });
  });
});
