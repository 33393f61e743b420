import { expect, test } from 'vitest';
import { parseJournalName, RunPaths } from '../../../core/run/run-paths.ts';

const fileOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

test.each([
  { shard: 0, attempt: 1, restart: 0, host: 'node1', pid: 7 },
  { shard: 1234, attempt: 12, restart: 3, host: 'cn-01-2-x', pid: 4194304 },
  { shard: 'finish' as const, attempt: 1, restart: 0, host: '', pid: 1 },
  { shard: 5, attempt: 1, restart: 0, host: '1-2-3', pid: 4 },
])('the name of the journal of %j tells whose it is', (name) => {
  expect(parseJournalName(fileOf(new RunPaths('.').journal(name)))).toEqual(name);
});

test.each([
  '',
  'x',
  '0.1-0-h-7',
  '0.1-0-h-7.jsonl.tmp',
  'a.1-0-h-7.jsonl',
  '0.1-0-h.jsonl',
  '-1.1-0-h-7.jsonl',
])('%j is no journal', (file) => {
  expect(parseJournalName(file)).toBeUndefined();
});

test('what users read stands where they stood, two levels above the run directory', () => {
  expect(new RunPaths('.bcopy/r').userLog('12', 'log')).toBe('.bcopy/r/../../12.log');
});
