import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { pathsBelow } from '../helpers/disturbed-trees.ts';
import { announcedJob, runDirectories } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
let cwd: string;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

const at = (path: string) => join(cwd, path);
const bcopy = (...words: string[]) => world.bcopy(cwd, '-s', 'src', '-d', 'dst', ...words);

/** `src` is copied; then both trees change. */
beforeEach(async () => {
  cwd = world.directory();
  mkdirSync(at('src/d/e'), { recursive: true });
  for (const name of ['same', 'grown', 'touched', 'closed', 'first', 'way', 'd/in', 'd/e/deep', 'new\nline'])
    writeFileSync(at(`src/${name}`), name);
  linkSync(at('src/first'), at('src/d/second'));
  symlinkSync('same', at('src/symlink'));
  giveToUser(cwd);
  expect(await bcopy('--wait')).toMatchObject({ exitCode: 0 });
  appendFileSync(at('src/grown'), '+');
  utimesSync(at('src/touched'), 1, 1);
  utimesSync(at('dst/touched'), 2, 2);
  chmodSync(at('src/closed'), 0o600);
  rmSync(at('dst/first'));
  rmSync(at('dst/way'));
  mkdirSync(at('dst/way'));
  rmSync(at('dst/symlink'));
  writeFileSync(at('dst/symlink'), 'no symlink');
  mkdirSync(at('src/made'));
  writeFileSync(at('src/made/f'), 'f');
  mkdirSync(at('dst/gone'));
  writeFileSync(at('dst/gone/f'), 'f');
  for (const tree of ['src', 'dst'])
    execFileSync('touch', ['-d', '@1', at(tree), at(`${tree}/d`), at(`${tree}/d/e`)]);
  giveToUser(cwd);
});

const linesOf = (stdout: string) =>
  stdout.slice(stdout.indexOf('# what would become of each entry\n')).split('\n').slice(1);

/** All that a look could change. */
function factsOf(root: string): string[] {
  return ['', ...pathsBelow(root)].map((path) => {
    const { ino, mode, atimeNs, mtimeNs, ctimeNs } = lstatSync(join(root, path), { bigint: true });
    const atime = [0o100000, 0o040000].includes(Number(mode) & 0o170000) ? atimeNs : '';
    return `${path} ${ino} ${mode} ${atime} ${mtimeNs} ${ctimeNs}`;
  });
}

const changes = [
  'copy    first  not there',
  'copy    grown  size differs (5 -> 6)',
  'copy    touched  mtime differs (1970-01-01T00:00:02.000000000Z -> 1970-01-01T00:00:01.000000000Z)',
  'fail    way  a directory stands where a file belongs (EISDIR)',
  'link    d/second  to first',
  'make    made/',
  'copy    made/f  not there',
  'mend    closed  mode 644 -> 600',
  'replace symlink  something else is there (file)',
].sort();

describe('--dry-run', () => {
  it('tells what would become of each entry and why, and touches nothing', async () => {
    // Reading a directory leaves a trace in it, once
    execFileSync('ls', ['-R', at('.')]);
    const before = [factsOf(at('src')), factsOf(at('dst')), readdirSync(cwd)];
    const ran = await bcopy('--dry-run');
    expect(ran.exitCode).toBe(0);
    const lines = linesOf(ran.stdout);
    expect(lines.slice(0, -1).sort()).toEqual(changes);
    expect(lines.at(-1)).toBe(
      '16 entries: 1 to make, 4 to copy (19 B), 1 to replace, 1 to mend, 1 to link, ' +
        '7 to skip (7 identical: --verbose lists them), 1 to fail.',
    );
    expect([factsOf(at('src')), factsOf(at('dst')), readdirSync(cwd)]).toEqual(before);
    expect((await bcopy('--dry-run', '--verbose')).stdout).toContain('\nskip    "new\\nline"  identical\n');
  });

  it('is what a copy then does', async () => {
    expect(await bcopy('--wait')).toMatchObject({ exitCode: 3 });
    const ran = await bcopy('--dry-run');
    expect(linesOf(ran.stdout).slice(0, -1)).toEqual([
      'fail    way  a directory stands where a file belongs (EISDIR)',
    ]);
    expect(linesOf((await bcopy('--dry-run', '--retry')).stdout)).toEqual([
      'fail    way  a directory stands where a file belongs (EISDIR)',
      '16 entries: 5 to skip (5 identical: --verbose lists them), 1 to fail, 10 done before.',
    ]);
  });

  it('tells as JSON nothing of what is left when nothing is', async () => {
    rmSync(at('dst/way'), { recursive: true });
    expect(await bcopy('--wait')).toMatchObject({ exitCode: 0 });
    const ran = await bcopy('--dry-run', '--json', '--retry');
    expect(ran).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringMatching(/^bcopy: nothing is left/),
    });
  });

  it('tells the same as JSON, and nothing else', async () => {
    const { stdout, stderr } = await bcopy('--dry-run', '--json', '--delete', '--max-delete', '1');
    const lines = stdout.split('\n').map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: 'plan', entries: 16, shards: [{ entries: 16 }], queue: 'local' });
    const entries = lines.slice(1, -1);
    expect(entries.map(({ type, action }) => `${type} ${action}`).sort()).toEqual(
      [...changes.map((line) => `entry ${line.split(' ')[0]}`), 'entry remove'].sort(),
    );
    expect(entries).toContainEqual({
      type: 'entry',
      action: 'copy',
      kind: 'file',
      path: 'grown',
      why: 'size',
      detail: '5 -> 6',
      bytes: 6,
    });
    expect(entries.at(-1)).toMatchObject({ action: 'remove', path: 'gone', kind: 'directory', entries: 2 });
    const remove = { entries: 2, bytes: 1, atMost: 1, unreadable: 0 };
    expect(lines.at(-1)).toMatchObject({ type: 'summary', entries: 16, identical: 7, copy: 4, remove });
    expect(stderr).toBe('');
  });

  it('keeps to filters, and to what is to be left as it is', async () => {
    writeFileSync(at('list'), 'grown\ntouched\nmade\n');
    giveToUser(cwd);
    const listed = await bcopy('--dry-run', '--files-from', 'list', '--exclude', 'f', '--update');
    expect(linesOf(listed.stdout).slice(0, -1)).toEqual([
      'copy    grown  size differs (5 -> 6)',
      'skip    touched  newer at the destination: left as it is',
      'make    made/',
    ]);
    const existing = await bcopy('--dry-run', '--existing', '--ignore-existing', '--links', 'skip');
    expect(linesOf(existing.stdout)).toContain('skip    symlink  symlink left out');
    expect(linesOf(existing.stdout)).toContain('skip    made/f  not at the destination: left out');
    expect(linesOf(existing.stdout)).toContain('skip    grown  at the destination already: left as it is');
  });

  it('tells of several sources, each under its name', async () => {
    // A symlink that is named as a source is what it leads to
    const sources = ['-s', 'src/d', '-s', 'src/grown', '-s', 'src/symlink'];
    const { stdout } = await world.bcopy(cwd, ...sources, '-d', 'dst', '--dry-run', '--verbose');
    expect(linesOf(stdout).slice(0, -1).sort()).toEqual([
      'copy    grown  size differs (5 -> 6)',
      'copy    symlink  size differs (10 -> 4)',
      'skip    ./  identical',
      'skip    d/  identical',
      'skip    d/e/  identical',
      'skip    d/e/deep  identical',
      'skip    d/in  identical',
      'skip    d/second  identical',
    ]);
  });

  it('tells of many in the same order, by however many threads', async () => {
    for (let i = 0; i < 1500; i++) writeFileSync(at(`src/made/${i}`), '');
    giveToUser(cwd);
    const [one, four] = [
      await bcopy('--dry-run', '--threads', '1'),
      await bcopy('--dry-run', '--threads', '4'),
    ];
    expect(linesOf(one.stdout).filter((line) => line.startsWith('copy    made/'))).toHaveLength(1501);
    expect(linesOf(four.stdout)).toEqual(linesOf(one.stdout));
  });

  it('ends when nobody reads on, and leaves nothing', async () => {
    for (let i = 0; i < 3000; i++) writeFileSync(at(`src/made/${i}`), '');
    giveToUser(cwd);
    const runs = runDirectories(cwd);
    const program = `${inject('installed')}/dist/js/cli/main.js`;
    const command = 'set -o pipefail; "$0" -s src -d dst --dry-run | head -n 1';
    const ran = await world.run(cwd, 'bash', '-c', command, program);
    expect(ran).toEqual({ exitCode: 0, stdout: 'source:      src', stderr: '' });
    expect(runDirectories(cwd)).toEqual(runs);
  });

  it('tells of the plan alone, and makes no run', async () => {
    const runs = runDirectories(cwd);
    const { stdout } = await bcopy('--dry-run=plan', '--delete');
    expect(stdout).toMatch(/\nto remove: +2 entries, 1 B \(more than --max-delete allows: 1\)$/);
    expect(stdout).not.toContain('grown');
    expect(runDirectories(cwd)).toEqual(runs);
    expect(readdirSync(runs[0]!)).not.toContain('attempts/2');
  });

  it.runIf(process.getuid?.() === 0)('tells what belongs to somebody else, as a copy finds it', async () => {
    for (const path of ['closed', 'd/e', 'grown']) chownSync(at(`dst/${path}`), 0, 0);
    chmodSync(at('src/d/e'), 0o750);
    mkdirSync(at('src/d/e/new'));
    for (const path of ['d/e/more', 'd/e/new/f']) writeFileSync(at(`src/${path}`), '');
    giveToUser(at('src'));
    rmSync(at('dst/way'), { recursive: true });
    const failed = ['d/e/  operation not permitted (EPERM)', 'd/e/more', 'd/e/new/', 'd/e/new/f'].map(
      (path) => `fail    ${path}${path.includes('(') ? '' : '  permission denied (EACCES)'}`,
    );
    const lines = linesOf((await bcopy('--dry-run')).stdout);
    expect(lines).toContain('skip    closed  not mended: it belongs to somebody else');
    expect(lines).toEqual(expect.arrayContaining(failed));
    expect(lines).toContain('copy    grown  size differs (5 -> 6)');
    const ran = await bcopy('--wait');
    expect(ran.exitCode).toBe(3);
    expect(
      linesOf((await bcopy('--dry-run')).stdout)
        .slice(0, -1)
        .sort(),
    ).toEqual([...failed, 'skip    closed  not mended: it belongs to somebody else']);
    const log = readFileSync(at(`${announcedJob(ran.stdout)}.log`), 'utf8');
    expect(log).toMatch(/^note +metadata not mended: it belongs to somebody else: 1 entry$/m);
    expect(log).toMatch(/^failed +4 /m);
  });

  it.runIf(process.getuid?.() === 0)(
    'tells what cannot be read, and what is closed to its owner',
    async () => {
      chmodSync(at('src/grown'), 0);
      chmodSync(at('src/made'), 0);
      chmodSync(at('dst/d'), 0);
      const lines = linesOf((await bcopy('--dry-run')).stdout);
      expect(lines).toContain('fail    grown  permission denied (EACCES)');
      expect(lines).toContain('fail    made  permission denied (EACCES)');
      expect(lines.find((line) => line.includes(' d/in '))).toMatch(
        /^unknown d\/in {2}its directory .* opens$/,
      );
    },
  );

  it('is refused in a sentence', async () => {
    expect(await bcopy('--json')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('it is for --dry-run'),
    });
    const wrong = await bcopy('--dry-run=all');
    expect(wrong.stderr).toContain('cannot use --dry-run all: it must be entries, plan, true or false');
  });
});
