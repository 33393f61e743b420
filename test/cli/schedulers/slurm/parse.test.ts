import { describe, expect, it } from 'vitest';
import {
  parseLookUp,
  parsePartitions,
  parseSacct,
  parseScontrolConfig,
  parseSqueue,
  parseSubmitted,
} from '../../../../cli/schedulers/slurm/parse.ts';

describe('sbatch --parsable', () => {
  it.each([
    ['123\n', '123'],
    ['9;lab\n', '9'],
    ['a notice from the site\n124\n', '124'],
    ['', undefined],
    ['Submitted batch job 10\n', undefined],
  ])('%j is job %s', (stdout, id) => {
    expect(parseSubmitted(stdout)).toBe(id);
  });
});

describe('squeue', () => {
  it('is read by array and index, never by the raw id', () => {
    const states = parseSqueue(
      '1476_2|1476|2|1477|RUNNING|None|n1\n1476_3|1476|3|1476|PENDING|JobArrayTaskLimit|\n',
    );
    expect(states).toEqual([
      { job: '1476', task: 2, phase: 'running', state: 'RUNNING', reason: '', stuck: false, node: 'n1' },
      {
        job: '1476',
        task: 3,
        phase: 'pending',
        state: 'PENDING',
        reason: 'JobArrayTaskLimit',
        stuck: false,
        node: '',
      },
    ]);
  });

  it('shows a job without an array as one state without a task', () => {
    const [state] = parseSqueue('2|2|N/A|2|PENDING|Dependency|\n');
    expect(state).toMatchObject({ job: '2', phase: 'pending', reason: 'Dependency', stuck: false });
    expect(state).not.toHaveProperty('task');
  });

  it('may show waiting tasks as one line', () => {
    const states = parseSqueue(
      '17_[1,3-5%2]|17|1,3-5%2|17|PENDING|Resources|\n17_[1-7:3]|17|9-15:3|17|PENDING|None|\n',
    );
    expect(states.map(({ task }) => task)).toEqual([1, 3, 4, 5, 9, 12, 15]);
  });

  it('may say things between the lines, and things that are new', () => {
    const states = parseSqueue('CLUSTER: lab\n\n5|5|N/A|5|HIBERNATING|Winter|n1\n');
    expect(states).toMatchObject([{ job: '5', phase: 'unknown', state: 'HIBERNATING', stuck: false }]);
  });

  it.each([
    ['PENDING', 'pending'],
    ['CONFIGURING', 'pending'],
    ['RUNNING', 'running'],
    ['COMPLETING', 'running'],
    ['SUSPENDED', 'running'],
    ['COMPLETED', 'ended'],
    ['CANCELLED', 'ended'],
    ['FAILED', 'ended'],
    ['TIMEOUT', 'ended'],
    ['NODE_FAIL', 'ended'],
    ['OUT_OF_MEMORY', 'ended'],
    ['PREEMPTED', 'ended'],
    ['BOOT_FAIL', 'ended'],
    ['DEADLINE', 'ended'],
    ['', 'unknown'],
  ])('state %s is %s', (state, phase) => {
    expect(parseSqueue(`7_0|7|0|7|${state}|None|`)).toMatchObject([{ phase, state }]);
  });

  it.each([
    ['PartitionTimeLimit', true],
    ['PartitionConfig', true],
    ['DependencyNeverSatisfied', true],
    ['JobHeldUser', true],
    ['BadConstraints', true],
    ['Dependency', false],
    ['JobArrayTaskLimit', false],
    ['Priority', false],
    ['Resources', false],
    ['QOSJobLimit', false],
    ['PartitionDown', false],
    ['BeginTime', false],
    ['ReqNodeNotAvail, UnavailableNodes:n1', false],
  ])('pending with %s is stuck: %s', (reason, stuck) => {
    expect(parseSqueue(`7|7|N/A|7|PENDING|${reason}|`)).toMatchObject([{ reason, stuck }]);
  });

  it('leaves the old reason on a job that has ended, which is then not stuck', () => {
    expect(parseSqueue('7|7|N/A|7|CANCELLED|JobHeldUser|')).toMatchObject([{ phase: 'ended', stuck: false }]);
  });

  it('answers a question for a name with each number once', () => {
    expect(parseLookUp('1476\n1476\n')).toEqual(['1476']);
    expect(parseLookUp('')).toEqual([]);
  });
});

describe('sacct', () => {
  it('adds to its states', () => {
    const text = '1510_0|COMPLETED+|0:0\n1510_1|CANCELLED by 1001|0:0\n1510_2|FAILED|127:0\n';
    expect(parseSacct(text).map(({ task, phase, state }) => [task, phase, state])).toEqual([
      [0, 'ended', 'COMPLETED'],
      [1, 'ended', 'CANCELLED'],
      [2, 'ended', 'FAILED'],
    ]);
  });

  it('shows tasks that were cancelled while they waited as one line', () => {
    expect(parseSacct('12_[3-5]|PENDING|0:0\n13_[4%3]|CANCELLED by 1001|0:0\n')).toMatchObject([
      { job: '12', task: 3 },
      { job: '12', task: 4 },
      { job: '12', task: 5 },
      { job: '13', task: 4, state: 'CANCELLED' },
    ]);
  });

  it('says nothing about tasks in a line without a task number', () => {
    expect(parseSacct('1497|FAILED|1:0\n1497_0|COMPLETED|0:0\n')).toMatchObject([
      { task: 0, state: 'COMPLETED' },
    ]);
    expect(parseSacct('1497|FAILED|1:0\n')[0]).not.toHaveProperty('task');
  });

  it('may be disabled', () => {
    expect(parseSacct('Slurm accounting storage is disabled\n')).toEqual([]);
  });
});

describe('limits', () => {
  it.each([
    ['MaxArraySize            = 4001\nMaxDBDMsgs = 1\n', 4001],
    ['MaxJobCount = 10000\n', 1001],
    ['', 1001],
  ])('%j', (stdout, maxArraySize) => {
    expect(parseScontrolConfig(stdout)).toEqual({ maxArraySize });
  });

  it.each([
    ['copy\nstandard*\n', { defaultPartition: 'standard', partitions: ['copy', 'standard'] }],
    ['CLUSTER: lab\ncopy\n', { defaultPartition: '', partitions: ['copy'] }],
    ['', { defaultPartition: '', partitions: [] }],
  ])('partitions %j', (stdout, partitions) => {
    expect(parsePartitions(stdout)).toEqual(partitions);
  });
});
