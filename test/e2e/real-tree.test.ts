import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announcedJob } from './run-files.ts';
import { openOrSkip, openWorld, type World } from './world.ts';

const { open, skipped } = openOrSkip(['slurm']);
if (skipped.length > 0) it.skip('a real tree on a real cluster', () => undefined);

describe.each(open)('a real tree on a real cluster', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name, 4);
  });
  afterAll(() => world.close());

  it('copies /usr as an ordinary user; what he cannot read is told, and all else is equal', async () => {
    const cwd = world.directory();
    const ran = await world.bcopy(cwd, '-s', '/usr', '-d', 'dst', '--wait');
    const closed = belowUsr(
      await world.run('/', 'find', '/usr', '!', '-readable', '!', '-type', 'l', '-prune', '-print'),
    );
    expect(ran.exitCode, ran.stderr).toBe(closed.length === 0 ? 0 : 3);
    const err = readFileSync(join(cwd, `${announcedJob(ran.stdout)}.err`), 'utf8');
    const told = [...err.matchAll(/^ {2}(\S+) \(open source( directory)?\)$/gm)].map(([, path]) => path);
    expect(told.sort()).toEqual(closed.sort());
    const excludes = closed.map((path) => `--exclude=/${path}`);
    // Owner and group are lost, and with them setuid, setgid and what the group alone could do
    const privileged = ['-perm', '/6000', '-o', '-perm', '-g=w', '!', '-perm', '-o=w'];
    const { stdout } = await world.run('/', 'find', '/usr', '!', '-type', 'l', '(', ...privileged, ')');
    const narrowed = new Set(belowUsr({ stdout }));
    const differences = (await rsyncDifferencesAs(world, '/usr', join(cwd, 'dst'), excludes)).split('\n');
    const others = differences.filter((line) => {
      const path = /^\.[fd]\.\.\.p\.{5} (.*?)\/?$/.exec(line)?.[1];
      return line !== '' && (path === undefined || !narrowed.has(path));
    });
    expect(others).toEqual([]);
    const log = readFileSync(join(cwd, `${announcedJob(ran.stdout)}.log`), 'utf8');
    expect(log).toMatch(/^not done +0 +0$/m);
    execFileSync('rm', ['-rf', join(cwd, 'dst')]);
  }, 400_000);
});

/** Paths below /usr. */
function belowUsr({ stdout }: { stdout: string }): string[] {
  return stdout
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => path.slice('/usr/'.length));
}

/** As the user himself: rsync then leaves out what only root could keep, the owners. */
async function rsyncDifferencesAs(
  world: World,
  source: string,
  destination: string,
  excludes: readonly string[],
): Promise<string> {
  const { stdout } = await world.run(
    '/',
    'rsync',
    '-aHn',
    '--delete',
    '--itemize-changes',
    ...excludes,
    `${source}/`,
    `${destination}/`,
  );
  return stdout;
}
