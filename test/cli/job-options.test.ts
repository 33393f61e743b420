import { expect, test } from 'vitest';
import {
  readCancelOptions,
  readCleanOptions,
  readLogsOptions,
  readStatusOptions,
} from '../../cli/job-options.ts';

test('what is not said is off', () => {
  expect(readStatusOptions({})).toEqual({ json: false });
  expect(readStatusOptions({ job: '12', json: true })).toEqual({ job: '12', json: true });
  expect(readLogsOptions({ job: '12' })).toEqual({ job: '12', err: false, follow: false });
  expect(readLogsOptions({ job: '12', shard: '0' })).toMatchObject({ shard: 0 });
  expect(readCancelOptions({ job: '12' })).toEqual({ job: '12' });
});

test.each([
  ['no number', () => readLogsOptions({}), 'cannot do bcopy logs: no job number is given'],
  ['a word', () => readCancelOptions({ job: 'x\n' }), 'cannot do bcopy cancel: "x\\n" is not a job number'],
  ['a path', () => readStatusOptions({ job: '../1' }), 'cannot do bcopy status: ../1 is not a job number'],
  ['zero', () => readStatusOptions({ job: '0' }), 'cannot do bcopy status: 0 is not a job number'],
  [
    'less than zero',
    () => readCancelOptions({ job: '-1' }),
    'cannot do bcopy cancel: -1 is not a job number',
  ],
  [
    'a shard that is no number',
    () => readLogsOptions({ job: '1', shard: 'x' }),
    'cannot do bcopy logs: --shard x: it must be a whole number from 0 on',
  ],
])('%s is refused in one sentence', (_, read, sentence) => {
  expect(read).toThrow(expect.objectContaining({ message: sentence, kind: 'usage' }));
});

test('clean takes a job number, a run, or neither', () => {
  expect(readCleanOptions({})).toEqual({ dryRun: false });
  expect(readCleanOptions({ job: '12', 'dry-run': true })).toEqual({ job: '12', dryRun: true });
  expect(readCleanOptions({ job: '20261121-080629-8f72' })).toMatchObject({ job: '20261121-080629-8f72' });
  for (const job of ['..', '20261121-080629-8f72/..', 'x'])
    expect(() => readCleanOptions({ job })).toThrow('is not a job number');
});
