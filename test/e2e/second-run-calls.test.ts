import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { setAcl, setAttribute } from '../helpers/attributes.ts';
import { rsyncDifferences, runDirectories } from './run-files.ts';
import { openWorld, type World } from './world.ts';

const isRoot = process.getuid?.() === 0;
const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
const directories = 150;
/** A call that names one of the directories. */
const naming = /^\w+\(.*"(?:[^"]*\/)?directory\d+"/gm;

/** Only root can set capabilities. */
describe.skipIf(!isRoot)('where hardly anything is left to do', () => {
  let world: World;
  let cwd: string;
  beforeAll(async () => {
    world = await openWorld('local');
  });
  afterAll(() => world.close());
  beforeEach(async ({ skip }) => {
    const strace = await execa('strace', ['-ff', '-qq', '-o', '/dev/null', 'true'], { reject: false });
    if (strace.failed) skip('strace is not installed here, or may not trace');
    cwd = world.directory();
    makeTrees();
  });

  const src = (path: string) => join(cwd, 'src', path);
  const dst = (path: string) => join(cwd, 'dst', path);

  /** Directories with all that once was a task's, or finish's. */
  function makeTrees(): void {
    mkdirSync(src(''));
    setAcl(src(''), '-d', '-m', 'u:1234:rwx');
    for (let i = 0; i < directories; i++) {
      const directory = src(`directory${i}`);
      mkdirSync(directory);
      writeFileSync(`${directory}/file`, 'x');
      symlinkSync('file', `${directory}/symlink`);
      writeFileSync(`${directory}/set-id`, 'x');
      chmodSync(`${directory}/set-id`, 0o6755);
    }
    setAttribute(src('directory1/file'), 'security.capability', '0x0100000200200000000000000000000000000000');
    setAttribute(src('directory2/file'), 'trusted.a', 'b');
    setAttribute(src('directory3'), 'user.a', 'b');
    execaSync('find', [src(''), '-exec', 'touch', '-hd', '@1000000000', '{}', '+']);
    execaSync('rsync', ['-aHAX', 'src/', 'dst/'], { cwd });
  }

  /** What each process or thread of a run has called, and that of finish's main thread. */
  async function calls(): Promise<{ all: string; finish: string }> {
    const traces = join(cwd, 'traces');
    mkdirSync(traces);
    const words = ['-s', 'src', '-d', 'dst', '--wait'];
    const strace = ['-ff', '-qq', '-s', '200', '-o', `${traces}/of`, bcopy];
    await execa('strace', [...strace, ...words], { cwd, env: world.env, extendEnv: false });
    const texts = readdirSync(traces).map((name) => readFileSync(join(traces, name), 'latin1'));
    const finish = texts.filter((text) => /^execve\(.*"finish", "1"\]/m.test(text));
    expect(finish).toHaveLength(1);
    return { all: texts.join(''), finish: finish[0]! };
  }

  const readPlan = () => JSON.parse(readFileSync(join(runDirectories(cwd)[0]!, 'plan.json'), 'utf8'));

  /** As JOBID.log has it. */
  function skipped(): number {
    const [log] = readdirSync(cwd).filter((name) => name.endsWith('.log'));
    return Number(/^skipped +([\d,]+)/m.exec(readFileSync(join(cwd, log!), 'utf8'))![1]!.replaceAll(',', ''));
  }

  const named = (text: string) => text.match(naming)?.length ?? 0;

  it('no task runs, whatever entries there are, and finish looks at no directory', async () => {
    const { all, finish } = await calls();
    const [run] = runDirectories(cwd);
    expect(readdirSync(join(run!, 'attempts/1')).sort()).toEqual([
      'attempt.json',
      'finish.sbatch',
      'job-finish.json',
    ]);
    expect(named(finish)).toBe(0);
    expect(readPlan()).toMatchObject({ isAlike: true, totals: { directories: directories + 1 } });
    // The tape is opened to see that it is one
    expect(finish.match(/pread64\(\d+, "\[/g)).toBeNull();
    expect(skipped()).toBe(1 + 4 * directories);
    // The scan opens each at both sides
    expect(named(all)).toBeGreaterThanOrEqual(2 * directories);
    expect(named(all)).toBeLessThan(2.5 * directories);
    expect(await rsyncDifferences(src(''), dst(''), '-AX')).toBe('');
  });

  it('finish looks at the directory in which something was put, and at no other', async () => {
    writeFileSync(src('directory77/file'), 'changed');
    const { finish } = await calls();
    expect(existsSync(join(runDirectories(cwd)[0]!, 'attempts/1/job-0.json'))).toBe(true);
    expect(readPlan()).not.toHaveProperty('isAlike');
    expect(skipped()).toBe(4 * directories);
    const [first, ...others] = new Set(finish.match(naming)!.map((call) => /directory\d+/.exec(call)![0]));
    expect([first, others]).toEqual(['directory77', []]);
    expect(await rsyncDifferences(src(''), dst(''), '-AX')).toBe('');
  });
});
