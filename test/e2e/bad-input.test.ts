import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles, makeTree } from '../helpers/tree.ts';
import { announcedJob, runDirectories } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** A directory with a source `src` of two files, and a directory `other`. */
async function prepared(): Promise<string> {
  const cwd = world.directory();
  await makeTree(cwd, { src: { f: 'f', sub: { g: 'g' } }, other: {} });
  giveToUser(cwd);
  return cwd;
}

type Case = {
  readonly title: string;
  readonly prepare?: (cwd: string) => void;
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly says: RegExp;
};

const copyArgs = ['-s', 'src', '-d', 'dst'];

const cases: Case[] = [
  {
    title: 'a source that does not exist',
    args: ['-s', 'nosuch', '-d', 'dst'],
    exitCode: 5,
    says: /cannot read the source nosuch: it does not exist/,
  },
  {
    title: 'a source that is a FIFO',
    prepare: (cwd) => execFileSync('mkfifo', [join(cwd, 'pipe')]),
    args: ['-s', 'pipe', '-d', 'dst'],
    exitCode: 5,
    says: /it is a FIFO, neither a directory nor a file/,
  },
  {
    title: 'a source that is closed to the user',
    prepare: (cwd) => chmodSync(join(cwd, 'src'), 0),
    args: copyArgs,
    exitCode: 5,
    says: /cannot read the source src: permission denied/,
  },
  {
    title: 'the same directory twice',
    args: ['-s', 'src', '-d', 'src'],
    exitCode: 2,
    says: /they are the same directory/,
  },
  {
    title: 'the same directory by way of ..',
    args: ['-s', 'src', '-d', 'src/sub/..'],
    exitCode: 2,
    says: /they are the same directory/,
  },
  {
    title: 'the same directory by a symlink',
    prepare: (cwd) => symlinkSync('src', join(cwd, 'alias')),
    args: ['-s', 'src', '-d', 'alias'],
    exitCode: 2,
    says: /they are the same directory/,
  },
  {
    title: 'a destination inside the source',
    args: ['-s', 'src', '-d', 'src/sub'],
    exitCode: 2,
    says: /the destination lies inside the source/,
  },
  {
    title: 'a new destination inside the source',
    args: ['-s', 'src', '-d', 'src/sub/new'],
    exitCode: 2,
    says: /the destination lies inside the source/,
  },
  {
    title: 'a destination inside the source by a symlink',
    prepare: (cwd) => symlinkSync('src/sub', join(cwd, 'alias')),
    args: ['-s', 'src', '-d', 'alias/new'],
    exitCode: 2,
    says: /the destination lies inside the source/,
  },
  {
    title: 'a destination that is a file',
    prepare: (cwd) => writeFileSync(join(cwd, 'file'), ''),
    args: ['-s', 'src', '-d', 'file'],
    exitCode: 6,
    says: /file is a file, not a directory/,
  },
  {
    title: 'a destination that is a dangling symlink',
    prepare: (cwd) => symlinkSync('nowhere', join(cwd, 'alias')),
    args: ['-s', 'src', '-d', 'alias'],
    exitCode: 6,
    says: /it is a symlink that leads nowhere/,
  },
  {
    title: 'a destination whose parent does not exist',
    args: ['-s', 'src', '-d', 'no/such/dst'],
    exitCode: 6,
    says: /no\/such does not exist/,
  },
  {
    title: 'a destination that cannot be written',
    prepare: (cwd) => chmodSync(join(cwd, 'other'), 0o555),
    args: ['-s', 'src', '-d', 'other'],
    exitCode: 6,
    says: /cannot write to the destination other: permission denied/,
  },
  {
    title: 'a destination that cannot be made',
    prepare: (cwd) => chmodSync(join(cwd, 'other'), 0o555),
    args: ['-s', 'src', '-d', 'other/new'],
    exitCode: 6,
    says: /cannot write to the destination other\/new: permission denied/,
  },
  {
    title: 'a current directory that cannot be written',
    prepare: (cwd) => chmodSync(cwd, 0o555),
    args: ['-s', 'src', '-d', 'other'],
    exitCode: 6,
    says: /cannot keep the run here: permission denied/,
  },
  {
    title: 'a run directory of somebody else',
    prepare: (cwd) => symlinkSync('other', join(cwd, '.bcopy')),
    args: copyArgs,
    exitCode: 6,
    says: /cannot keep the run here: \.bcopy belongs to somebody else/,
  },
  {
    title: 'an unknown option',
    args: [...copyArgs, '--worker', '3', '--wokers', '2'],
    exitCode: 2,
    says: /there is no option --wokers\n.*nearest is --workers/,
  },
  { title: 'no workers', args: [...copyArgs, '--workers', '0'], exitCode: 2, says: /--workers 0/ },
  {
    title: 'a retry without an earlier run',
    args: [...copyArgs, '--retry'],
    exitCode: 10,
    says: /no earlier copy of src to dst was made in this directory/,
  },
  {
    title: 'a source inside the destination that would be written over',
    prepare: (cwd) => mkdirSync(join(cwd, 'src/src')),
    args: ['-s', 'src', '-d', '.'],
    exitCode: 2,
    says: /would be written over the source/,
  },
  { title: 'no source', args: ['-d', 'dst'], exitCode: 2, says: /no source is given/ },
  { title: 'a job that nobody knows', args: ['status', '4711'], exitCode: 10, says: /cannot find job 4711/ },
];

describe('bad input ends with one clear sentence, the right exit code and nothing made', () => {
  it.each(cases)('$title', async ({ prepare, args, exitCode, says }) => {
    const cwd = await prepared();
    prepare?.(cwd);
    const before = readdirSync(cwd).sort();
    const ran = await world.bcopy(cwd, ...args);
    expect(ran).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(says) });
    expect(ran.stderr).toMatch(/^bcopy: [^\n]+(\n {2}[^\n]+)*(\nhint: [^\n]+)?$/);
    expect(readdirSync(cwd).sort()).toEqual(before);
    expect(readdirSync(join(cwd, 'other'))).toEqual([]);
    chmodSync(cwd, 0o755);
  });
});

it('copies a source inside the destination where the source stays untouched', async () => {
  const cwd = await prepared();
  expect(await world.bcopy(cwd, '-s', 'src', '-d', '.', '--wait')).toMatchObject({ exitCode: 0 });
  expect(readdirSync(join(cwd, 'src')).sort()).toEqual(['f', 'sub']);
  expect(readdirSync(cwd)).toEqual(expect.arrayContaining(['f', 'sub', 'src']));
});

it('leaves its own run directory out when it stands in the source', async () => {
  const cwd = await prepared();
  expect(await world.bcopy(join(cwd, 'src'), '-s', '.', '-d', '../dst', '--wait')).toMatchObject({
    exitCode: 0,
  });
  expect(readdirSync(join(cwd, 'dst')).sort()).toEqual(['f', 'sub']);
});

it.skipIf(process.getuid?.() !== 0)('recognises the same directory under another mount', async () => {
  const cwd = await prepared();
  mkdirSync(join(cwd, 'mounted'));
  execFileSync('mount', ['--bind', join(cwd, 'src'), join(cwd, 'mounted')]);
  try {
    const same = await world.bcopy(cwd, '-s', 'src', '-d', 'mounted');
    expect(same).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('they are the same directory'),
    });
    const inside = await world.bcopy(cwd, '-s', 'src', '-d', 'mounted/sub/new');
    expect(inside).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('the destination lies inside the source'),
    });
  } finally {
    execFileSync('umount', [join(cwd, 'mounted')]);
  }
});

it.skipIf(process.getuid?.() !== 0)(
  'finds a destination inside the source that only the scan can see',
  async () => {
    const cwd = await prepared();
    mkdirSync(join(cwd, 'mounted'));
    execFileSync('mount', ['--bind', join(cwd, 'src/sub'), join(cwd, 'mounted')]);
    try {
      const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'mounted/new');
      expect(ran).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('the destination lies inside the source, at sub'),
      });
      expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
    } finally {
      execFileSync('umount', [join(cwd, 'mounted')]);
    }
  },
);

it.skipIf(process.getuid?.() !== 0).each([
  ['nothing', 100],
  ['the run, but not the tape', 24],
])(
  'says that the current directory is full when it has room for %s, and leaves nothing',
  async (_, filled) => {
    const cwd = await prepared();
    makeManyFiles(join(cwd, 'many'), { files: 3000, directories: 3, bytes: 1 });
    const full = join(cwd, 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=777', 'tmpfs', full]);
    try {
      execFileSync('sh', [
        '-c',
        `dd if=/dev/zero of="$0/fill" bs=1k count=${filled} 2>/dev/null || true`,
        full,
      ]);
      const ran = await world.bcopy(full, '-s', '../many', '-d', '../dst');
      expect(ran).toMatchObject({
        exitCode: 6,
        stderr: expect.stringContaining('no space left in the current directory'),
      });
      expect(readdirSync(full)).toEqual(['fill']);
      expect(existsSync(join(cwd, 'dst'))).toBe(false);
    } finally {
      execFileSync('umount', [full]);
    }
  },
);

it('lists what --check cannot read, and submits nothing', async () => {
  const cwd = await prepared();
  chmodSync(join(cwd, 'src/f'), 0);
  chmodSync(join(cwd, 'src/sub'), 0);
  const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '-c');
  expect(ran).toMatchObject({ exitCode: 5 });
  expect(ran.stderr).toMatch(/^ {2}f: permission denied \(EACCES\)$/m);
  expect(ran.stderr).toMatch(/^ {2}sub: permission denied \(EACCES\)$/m);
  expect(readdirSync(cwd).sort()).toEqual(['other', 'src']);
  chmodSync(join(cwd, 'src/f'), 0o644);
  chmodSync(join(cwd, 'src/sub'), 0o755);
  expect(await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '-c', '--wait')).toMatchObject({ exitCode: 0 });
});

it('plans anew on --retry when a directory could not be read', async () => {
  const cwd = await prepared();
  chmodSync(join(cwd, 'src/sub'), 0);
  expect(await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait')).toMatchObject({ exitCode: 3 });
  chmodSync(join(cwd, 'src/sub'), 0o755);
  const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', '--retry');
  expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('it is planned anew') });
  expect(readdirSync(join(cwd, 'dst/sub'))).toEqual(['g']);
});

describe('a damaged run', () => {
  const damages: [string, (run: string) => void, RegExp][] = [
    [
      'a plan that is no JSON',
      (run) => writeFileSync(join(run, 'plan.json'), '{"format":1,'),
      /plan\.json is damaged/,
    ],
    ['a plan that is gone', (run) => rmSync(join(run, 'plan.json')), /plan\.json is damaged: ENOENT/],
    [
      'a newer format',
      (run) => writeFileSync(join(run, 'run.json'), '{"format":2}'),
      /run\.json has format 2/,
    ],
    [
      'garbage in a journal',
      (run) => writeFileSync(join(run, 'journals/0.1-0-x-1.jsonl'), 'x\ny\n'),
      /journals\/0\.1-0-x-1\.jsonl line 1 is damaged/,
    ],
    [
      'an attempt without its number',
      (run) => writeFileSync(join(run, 'attempts/1/attempt.json'), '{"format":1}'),
      /attempt\.json is damaged: attempt/,
    ],
  ];
  it.each(damages)('%s is exit 12, with the file', async (_, damage, says) => {
    const cwd = await prepared();
    chmodSync(join(cwd, 'src/f'), 0);
    await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    damage(runDirectories(cwd)[0]!);
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry');
    expect(ran).toMatchObject({ exitCode: 12, stderr: expect.stringMatching(says) });
  });
});

/** To root, and in such a way that the user can still read it. */
function giveAway(directory: string): void {
  chownSync(directory, 0, 0);
  chmodSync(directory, 0o755);
}

describe('a run that others may have written', () => {
  const takeovers: [string, boolean, (cwd: string, run: string) => void][] = [
    ['belongs to somebody else', true, (_, run) => giveAway(run)],
    ['may be written to by others', false, (_, run) => chmodSync(run, 0o770)],
    [
      'is no directory',
      false,
      (cwd, run) => {
        renameSync(run, join(cwd, 'moved'));
        symlinkSync('../moved', run);
      },
    ],
    ['belongs to somebody else', true, (cwd) => giveAway(join(cwd, '.bcopy'))],
  ];
  const possible = takeovers.filter(([, needsRoot]) => !needsRoot || process.getuid?.() === 0);
  it.each(possible)('is neither told of nor gone on with: it %s', async (why, _, takeOver) => {
    const cwd = await prepared();
    chmodSync(join(cwd, 'src/f'), 0);
    const { stdout } = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    const job = announcedJob(stdout);
    takeOver(cwd, runDirectories(cwd)[0]!);
    chmodSync(join(cwd, 'src/f'), 0o644);
    for (const words of [
      ['status', job],
      ['logs', job],
      ['-s', 'src', '-d', 'dst', '--retry'],
    ]) {
      const ran = await world.bcopy(cwd, ...words);
      // A copy needs a directory of its own for its run, and says so first
      const exitCode = words[0] === '-s' && ran.exitCode === 6 ? 6 : 12;
      expect(ran, words.join(' ')).toMatchObject({ exitCode, stderr: expect.stringContaining(why) });
      expect(ran.stderr).not.toContain('unforeseen');
    }
    expect(readdirSync(join(cwd, 'dst'))).toEqual(['sub']);
  });
});
