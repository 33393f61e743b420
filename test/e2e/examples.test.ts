import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { rsyncDifferences, waitForStatus } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type Ran, type World } from './world.ts';

/** A directory with the examples, `bcopy` in `bin/`, and a small tree in `in/`. */
function prepare(world: World): string {
  const cwd = world.directory();
  cpSync('examples', join(cwd, 'examples'), { recursive: true });
  mkdirSync(join(cwd, 'bin'));
  symlinkSync(`${inject('installed')}/dist/js/cli/main.js`, join(cwd, 'bin/bcopy'));
  mkdirSync(join(cwd, 'in/sub'), { recursive: true });
  writeFileSync(join(cwd, 'in/one'), '1');
  writeFileSync(join(cwd, 'in/sub/two'), '2');
  giveToUser(cwd);
  return cwd;
}

/** Runs an example with `bin/` first on PATH. */
function runExample(world: World, cwd: string, name: string, ...args: string[]): Promise<Ran> {
  const path = `PATH=${cwd}/bin:${world.env.PATH}`;
  return world.run(cwd, 'env', path, 'bash', `examples/${name}`, ...args);
}

describe('examples on this machine', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('local');
  });
  afterAll(() => world.close());

  it('copy-and-wait.sh copies, and says so', async () => {
    const cwd = prepare(world);
    const ran = await runExample(world, cwd, 'copy-and-wait.sh', 'in', 'out');
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/out holds all of in$/) });
    expect(await rsyncDifferences(join(cwd, 'in'), join(cwd, 'out'))).toBe('');
  });

  it('copy-and-wait.sh ends with 3 and says what to do when something is missing', async () => {
    const cwd = prepare(world);
    chmodSync(join(cwd, 'in/one'), 0);
    const ran = await runExample(world, cwd, 'copy-and-wait.sh', 'in', 'out');
    expect(ran).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('--retry copies it') });
  });

  it('retry-until-done.sh goes on until all is there', async () => {
    const cwd = prepare(world);
    chmodSync(join(cwd, 'in/one'), 0);
    healAfterFirst(cwd, join(cwd, 'in/one'));
    const ran = await runExample(world, cwd, 'retry-until-done.sh', 'in', 'out', '5');
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('attempt 2 of 5') });
    expect(ran.stdout).not.toContain('attempt 3 of 5');
    expect(await rsyncDifferences(join(cwd, 'in'), join(cwd, 'out'))).toBe('');
  });

  it('retry-until-done.sh gives up with 3 when its attempts are used up', async () => {
    const cwd = prepare(world);
    chmodSync(join(cwd, 'in/one'), 0);
    const ran = await runExample(world, cwd, 'retry-until-done.sh', 'in', 'out', '2');
    expect(ran).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('attempt 2 of 2') });
  });

  it.each([
    ['copy-and-wait.sh', 'in'],
    ['retry-until-done.sh', 'in'],
    ['chain-a-job.sh', 'in', 'out'],
  ])('%s without all its arguments tells its usage', async (name, ...args) => {
    const ran = await runExample(world, prepare(world), name, ...args);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^usage: /) });
  });

  it("the site's template runs tasks, and bcopy's own runs finish", async () => {
    const cwd = prepare(world);
    const words = ['-s', 'in', '-d', 'out', '--wait', '--templates', 'examples/templates'];
    const ran = await world.bcopy(cwd, ...words);
    expect(ran).toMatchObject({ exitCode: 0 });
    const job = /<(\d+)>/.exec(ran.stdout)![1]!;
    const { stdout } = await world.bcopy(cwd, 'logs', job, '--shard', '0');
    expect(stdout).toMatch(/^on .*, limits: \d+ open files\n/);
    expect(await rsyncDifferences(join(cwd, 'in'), join(cwd, 'out'))).toBe('');
  });

  it("the site's template is bcopy's own with lines added", () => {
    const ours = readFileSync('templates/task.sbatch.hbs', 'utf8').trimEnd().split('\n');
    const theirs = readFileSync('examples/templates/task.sbatch.hbs', 'utf8').trimEnd().split('\n');
    const missing = ours.filter((line) => !theirs.includes(line));
    expect(missing).toEqual([ours.at(-1)]);
    expect(theirs.at(-1)).toBe(ours.at(-1)?.replace('exec', 'exec nice -n 5'));
  });
});

/** Replaces `bin/bcopy` by one after whose first run a file can be read. */
function healAfterFirst(cwd: string, file: string): void {
  const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
  rmSync(join(cwd, 'bin/bcopy'));
  const script = `#!/bin/bash\n'${bcopy}' "$@"\ncode=$?\nchmod 644 '${file}'\nexit $code\n`;
  writeFileSync(join(cwd, 'bin/bcopy'), script, { mode: 0o755 });
}

const { open, skipped } = openOrSkip(['fakes', 'slurm']);
if (skipped.length > 0) it.skip(`examples on ${skipped.join()}`, () => undefined);

describe.each(open)('examples on %s', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name);
  });
  afterAll(() => world.close());

  it('chain-a-job.sh starts a job when everything is there, hard links too', async () => {
    const cwd = prepare(world);
    writeFileSync(join(cwd, 'in/sub/three'), '3');
    linkSync(join(cwd, 'in/sub/three'), join(cwd, 'in/again'));
    writeFileSync(join(cwd, 'after.sh'), '#!/bin/bash\nstat -c %h out/sub/three >"$1"\n');
    const ran = await runExample(world, cwd, 'chain-a-job.sh', 'in', 'out', 'after.sh', 'links');
    expect(ran).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^job \d+ starts when job \d+ /),
    });
    expect(await contentOf(join(cwd, 'links'))).toBe('2\n');
  });

  it('chain-a-job.sh starts nothing when something is missing', async () => {
    const cwd = prepare(world);
    chmodSync(join(cwd, 'in/one'), 0);
    writeFileSync(join(cwd, 'after.sh'), '#!/bin/bash\ntouch "$1"\n');
    const ran = await runExample(world, cwd, 'chain-a-job.sh', 'in', 'out', 'after.sh', 'started');
    const job = /job (\d+) has copied/.exec(ran.stdout)![1]!;
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(await world.run(cwd, 'ls', 'started')).toMatchObject({ exitCode: 2 });
  });

  it("the site's config file reaches sbatch", async () => {
    const cwd = prepare(world);
    const bcopy = join(cwd, 'bin/bcopy');
    const words = ['-s', 'in', '-d', 'out', '--dry-run'];
    const ran = await world.run(cwd, 'env', 'BCOPY_CONFIG=examples/config.yaml', bcopy, ...words);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toContain(
      "--partition=copy --time=1-00:00:00 --mem=4G --cpus-per-task=4 '--exclude=gpu[1-4]' --nice=100",
    );
    expect(ran.stdout).toContain("node='/opt/node-20/bin/node'");
  });
});

async function contentOf(file: string): Promise<string> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    try {
      const text = readFileSync(file, 'utf8');
      if (text !== '') return text;
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${file} was never written`);
}
