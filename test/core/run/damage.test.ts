import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isComplete } from '../../../core/model/account.ts';
import type { Entry } from '../../../core/model/entry.ts';
import { BcopyError } from '../../../core/model/errors.ts';
import { wholeEntriesOf } from '../../../core/model/plan.ts';
import { readAttempt, writeAttempt } from '../../../core/run/attempt-file.ts';
import { readPlan, writePlan } from '../../../core/run/plan-file.ts';
import { readRunInfo, writeRunInfo } from '../../../core/run/run-info.ts';
import type { RunPaths } from '../../../core/run/run-paths.ts';
import { accountOfRun, readRunState } from '../../../core/run/run-state.ts';
import { readJobs, writeSubmitted } from '../../../core/run/submitted-file.ts';
import { TapeReader } from '../../../core/run/tape-reader.ts';
import { randomNumbers } from '../../helpers/random.ts';
import {
  done,
  failed,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
  writeJournal,
} from '../../helpers/run-fixture.ts';
import { attemptOf, infoOf } from '../../helpers/task-fixture.ts';

const MiB = 2 ** 20;
const seed = Number(process.env.DAMAGE_SEED ?? 1);
const entries: Entry[] = [
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'big', bytes: 9 * MiB },
  { kind: 'directory', path: 'd' },
  ...Array.from({ length: 1500 }, (_, i): Entry => ({ kind: 'file', name: `f${i}`, bytes: i })),
  { kind: 'link', name: 'l', first: 1 },
  { kind: 'symlink', name: 's' },
];

let whole: RunFixture;
beforeAll(async () => {
  whole = makeRun(entries);
  const { paths } = whole;
  const plan = planRun(paths, entries, 3, MiB);
  await writePlan(paths, plan);
  await writeRunInfo(paths, infoOf({ source: '/a', destination: '/b' }, '7'));
  mkdirSync(paths.attempt(1));
  await writeAttempt(paths, attemptOf(1));
  await writeSubmitted(paths, 1, 0, '123');
  for (const [number, shard] of plan.shards.entries()) {
    const { from, to } = wholeEntriesOf(shard);
    writeJournal(paths, journalName(number), [
      done(from, to - 1, { copied: { entries: to - from - 9, bytes: 5 } }),
      failed(to - 1, 1),
    ]);
  }
  writeJournal(paths, journalName('finish'), [done(0, entries.length, { copied: { entries: 2, bytes: 0 } })]);
});
afterAll(() => whole.remove());

/** Reads all that any program reads of a run; true when it is said to be complete. */
async function readAll(paths: RunPaths): Promise<boolean> {
  await readRunInfo(paths);
  const plan = await readPlan(paths);
  await readJobs(paths, await readAttempt(paths, 1));
  const account = accountOfRun(plan, await readRunState(paths, plan));
  const tape = new TapeReader(paths);
  try {
    for (const { start, end } of plan.shards) Array.from(tape.entries(start, end.ordinal));
    for (const block of tape.blocksBackwards()) expect(block.to).toBeGreaterThan(block.from);
  } finally {
    tape.close();
  }
  return isComplete(account);
}

/** Damages a copy of the run. What is said of it afterwards: nothing where it does not matter. */
async function complaint(damage: (paths: RunPaths) => void): Promise<string> {
  const copy = makeRun();
  try {
    rmSync(copy.paths.root, { recursive: true });
    cpSync(whole.paths.root, copy.paths.root, { recursive: true });
    damage(copy.paths);
    expect(await readAll(copy.paths)).toBe(false);
    return '';
  } catch (error) {
    if (!(error instanceof BcopyError)) throw error;
    expect(error.kind).toBe('runDamaged');
    return error.message.replaceAll(copy.paths.root, '.');
  } finally {
    copy.remove();
  }
}

const files = [
  'run.json',
  'plan.json',
  'tape.jsonl',
  'tape.index',
  'attempts/1/attempt.json',
  'attempts/1/job-0.json',
  'journals/0.1-0-node1-7.jsonl',
  'journals/finish.1-0-node1-7.jsonl',
];

test('a run that nobody has damaged is read', async () => {
  expect(await complaint(() => undefined)).toBe('');
});

describe.each(files)('%s', (name) => {
  const replaced: [string, (file: string) => void][] = [
    ['a directory', (file) => mkdirSync(file)],
    ['a dangling symlink', (file) => symlinkSync('nowhere', file)],
    ['a symlink to a good one', (file) => symlinkSync(join(whole.paths.root, name), file)],
    ['a FIFO', (file) => void execFileSync('mkfifo', [file])],
    ...[
      'null\n',
      '[]\n',
      '{}\n',
      '7\n',
      '"x"\n',
      '\0\xff\n',
      '{"format":0}\n',
      `${'['.repeat(200_000)}\n`,
    ].map((text): [string, (file: string) => void] => [
      JSON.stringify(text.slice(0, 20)),
      (file) => writeFileSync(file, text),
    ]),
  ];
  test.each(replaced)('is refused by its name when it is %s', async (_, make) => {
    const said = await complaint((paths) => {
      rmSync(join(paths.root, name));
      make(join(paths.root, name));
    });
    // A number that was not noted is that of a job that was not submitted
    if (name.includes('job-') && _ === 'a dangling symlink') expect(said).toBe('');
    else expect(said).toContain(name);
  });

  test('never makes a program break, whatever happens to its bytes', async () => {
    const random = randomNumbers(seed);
    for (let i = 0; i < 40; i++) {
      const said = await complaint((paths) => {
        const file = join(paths.root, name);
        const bytes = readFileSync(file);
        const at = random(bytes.length);
        if (i % 2 === 0) writeFileSync(file, bytes.subarray(0, at));
        else {
          bytes[at] = random(256);
          writeFileSync(file, bytes);
        }
      });
      if (said !== '')
        expect(said, `DAMAGE_SEED=${seed}`).toMatch(/tape|plan|run\.json|attempt|job-|journals/);
    }
  });
});

/** Changes what a JSON file holds. */
function edit(file: string, change: (value: never) => void): void {
  const value = JSON.parse(readFileSync(file, 'utf8')) as never;
  change(value);
  writeFileSync(file, JSON.stringify(value));
}

type Positions = {
  partBytes: number;
  totals: { bytes: number };
  shards: { start: Record<string, number>; end: Record<string, number> }[];
};
const plans: [string, (plan: Positions) => void][] = [
  ['text for a number', (plan) => Object.assign(plan, { partBytes: '1' })],
  ['a negative number', (plan) => void Object.assign(plan.shards[1]!.start, { ordinal: -1 })],
  ['a number beyond all', (plan) => void Object.assign(plan.shards[1]!.start, { offset: 1e308 })],
  ['a gap', (plan) => void plan.shards.splice(1, 1)],
  ['no shards', (plan) => void plan.shards.splice(0)],
  ['no parts', (plan) => void Object.assign(plan, { partBytes: 0 })],
  ['an end before the tape ends', (plan) => void plan.shards.pop()],
  ['another sum', (plan) => void plan.totals.bytes++],
  ['shards in another order', (plan) => void plan.shards.reverse()],
];
test.each(plans)('a plan with %s is refused', async (_, change) => {
  expect(await complaint((paths) => edit(paths.plan, change as never))).toContain('plan.json');
});

test.each([-1, 1, 13])('a plan whose cut lies %i bytes from where it should is refused', async (by) => {
  const said = await complaint((paths) =>
    edit(paths.plan, ((plan: Positions) => {
      for (const position of [plan.shards.at(-1)!.start, plan.shards.at(-2)!.end]) position.offset! += by;
    }) as never),
  );
  expect(said).toMatch(/does not begin at byte/);
});

const ids: [string, object][] = [
  ['an id that leads elsewhere', { id: '../../x' }],
  ['a relative source', { source: { path: 'a', given: 'a', inode: '1' } }],
  ['an inode that is none', { source: { path: '/a', given: 'a', inode: 'x' } }],
  ['no source', { source: undefined }],
  ['a source and several', { roots: [root('a')] }],
  ['no root', { source: undefined, roots: [] }],
  ['a root that leads elsewhere', { source: undefined, roots: [root('..')] }],
  ['a root below another', { source: undefined, roots: [root('a/b')] }],
];
function root(name: string): object {
  return { name, path: `/${name}`, given: name, inode: '1' };
}
test.each(ids)('a run with %s is refused', async (_, change) => {
  expect(
    await complaint((paths) => edit(paths.info, ((info: object) => Object.assign(info, change)) as never)),
  ).toContain('run.json');
});

const lines: [string, object][] = [
  ['a range beyond the tape', done(0, 99_999, {})],
  ['a range of another shard', done(700, 1400, {})],
  ['a range that ends before it begins', done(5, 3, {})],
  ['more entries than its range', done(2, 3, { copied: { entries: 2, bytes: 0 } })],
  ['an entry of no shard', failed(77_777, 1)],
  ['a negative number', { ...done(0, 1, {}), from: -1 }],
  ['a number that is none', { ...done(0, 1, {}), from: '0' }],
  [
    'a part that ends before it begins',
    { type: 'part', ordinal: 1, from: 9, to: 5, version: '9:', temporary: '', same: false },
  ],
  [
    'a version without a size',
    { type: 'part', ordinal: 1, from: 0, to: 5, version: 'x', temporary: '', same: false },
  ],
  ['digests of another shard', { type: 'digests', ranges: [[700, 1400]], files: 1, bytes: 1, file: 'd' }],
  ['digests in no file', { type: 'digests', ranges: [[0, 9]], files: 1, bytes: 1 }],
  ['digests elsewhere', { type: 'digests', ranges: [[0, 9]], files: 1, bytes: 1, file: '../d' }],
  ['more digests than entries', { type: 'digests', ranges: [[0, 2]], files: 3, bytes: 1, file: 'd' }],
  ['what is gone from another shard', { type: 'unlinked', from: 700, to: 1400, entries: 1, bytes: 1 }],
  ['what only finish says', { type: 'gone', entries: 1, stays: 0 }],
  ['a type that is none', { type: 'other' }],
];
test.each(lines)('a journal with %s is refused, with its line', async (_, line) => {
  const said = await complaint((paths) => {
    writeJournal(paths, journalName(0, 2), [line as never]);
  });
  expect(said).toMatch(/journals\/0\.2-0-node1-7\.jsonl line 2 is damaged/);
});

test('a journal of a shard that the plan does not have is refused', async () => {
  const said = await complaint((paths) => void writeJournal(paths, journalName(9), []));
  expect(said).toMatch(/9\.1-0-node1-7\.jsonl is damaged: the plan has no such shard/);
});

test('a journal under the name of another worker is refused', async () => {
  const said = await complaint((paths) => {
    const file = writeJournal(paths, journalName(0, 2), []);
    cpSync(file, file.replace('/0.2', '/1.2'));
  });
  expect(said).toMatch(/1\.2-0-node1-7\.jsonl line 1 is damaged: it is of another worker/);
});

test('journals that are gone are not taken for none', async () => {
  const said = await complaint((paths) => rmSync(paths.journals, { recursive: true }));
  expect(said).toMatch(/journals is damaged: ENOENT/);
});

const tapeLines: [string, string][] = [
  ['what is no entry', '{}'],
  ['another end', '{"type":"end","entries":5}'],
  ['a further name of itself', '["l","x",1500]'],
  ['a path that leads out', '["d","../x"]'],
];
test.each(tapeLines)('a tape with %s in it is refused', async (_, text) => {
  const said = await complaint((paths) => {
    const all = readFileSync(paths.tape, 'utf8').split('\n');
    const old = all[1501]!;
    // As long as the other, so that nothing else is displaced
    all[1501] = text.padEnd(old.length);
    writeFileSync(paths.tape, all.join('\n'));
  });
  expect(said).toMatch(/tape\.jsonl/);
});

test('nothing is left open or made by a reader', () => {
  expect(readdirSync(whole.paths.root).sort()).toEqual(
    ['attempts', 'journals', 'plan.json', 'run.json', 'tape.index', 'tape.jsonl'].sort(),
  );
  expect(statSync(whole.paths.tape).isFile()).toBe(true);
});
