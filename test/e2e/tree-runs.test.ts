import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeTree } from '../helpers/tree.ts';
import { runDirectories, waitForStatus } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('fakes');
});
afterAll(() => world.close());

async function prepared(): Promise<string> {
  const cwd = world.directory();
  await makeTree(join(cwd, 'tree'), { a: 'a', sub: { b: 'bb' } });
  giveToUser(cwd);
  return cwd;
}

const jobIn = (stderr: string) => /job (\d+) is submitted/.exec(stderr)?.[1] ?? 'none';

describe.concurrent('a run on one tree', () => {
  it('says what it hashes, and is no copy', async () => {
    const cwd = await prepared();
    const ran = await world.bcopy(cwd, 'manifest', 'tree', '-o', 'SUMS');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const job = jobIn(ran.stderr);
    const status = await world.bcopy(cwd, 'status', job);
    expect(status.stdout).toMatch(/^tree +\/\S+\/tree$/m);
    expect(status.stdout).toMatch(/^hashed +4 entries {2}3 B$/m);
    expect(status.stdout).not.toContain('destination');
    const all = await world.bcopy(cwd, 'status');
    expect(all.stdout).toMatch(new RegExp(`^${job} +complete +100 % .* manifest /\\S+/tree$`));
    expect((await world.bcopy(cwd, 'logs', job)).stdout).toContain('The manifest of 2 files is made.');
    expect(await world.bcopy(cwd, 'verify', job)).not.toMatchObject({ exitCode: 0 });
    expect(await world.bcopy(cwd, 'undo', job)).toMatchObject({ exitCode: 0 });
    expect(await world.bcopy(cwd, 'clean')).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
    expect(existsSync(join(cwd, 'tree/a'))).toBe(true);
  });

  it('says what it removes', async () => {
    const cwd = await prepared();
    const ran = await world.bcopy(cwd, 'remove', 'tree', '--yes');
    expect(ran, ran.stderr).toMatchObject({
      exitCode: 0,
      stdout: 'tree: 2 directories, 2 other entries, 3 B\n4 entries are removed.',
    });
    const status = await world.bcopy(cwd, 'status', jobIn(ran.stderr));
    expect(status.stdout).toMatch(/^removed +4 entries {2}3 B$/m);
    expect(readFileSync(join(cwd, `${jobIn(ran.stderr)}.log`), 'utf8')).toContain(
      '\nAll 4 entries are removed.\n',
    );
  });

  it.each([
    ['manifest', ['manifest', 'tree', '-o', 'SUMS']],
    ['removal', ['remove', 'tree', '--yes']],
  ])('goes on when nobody waits for it any longer: a %s', async (_, words) => {
    const cwd = await prepared();
    const script = `set -m
      "$0" "$@" & pid=$!
      until ls .bcopy/*/attempts/1/job-finish.json >/dev/null 2>&1; do sleep 0.02; done
      kill -INT $pid
      wait $pid`;
    const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
    const ran = await world.run(cwd, 'bash', '-c', script, bcopy, ...words);
    expect(ran.exitCode, ran.stderr).toBe(130);
    expect(ran.stderr).toContain('interrupted: the job goes on without you');
    await waitForStatus(world, cwd, jobIn(ran.stderr), ({ phase }) => phase === 'complete');
    expect(existsSync(join(cwd, words[0] === 'manifest' ? 'SUMS' : 'tree'))).toBe(words[0] === 'manifest');
  });

  it('leaves no trace when nobody agrees', async () => {
    const cwd = await prepared();
    const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
    const asked = `printf 'n\\n' | script -qec '${bcopy} remove tree' /dev/null`;
    const ran = await world.run(cwd, 'sh', '-c', asked);
    expect(ran.stdout).toContain('Nothing is removed.');
    expect(existsSync(join(cwd, 'tree/sub/b'))).toBe(true);
    expect(existsSync(join(cwd, '.bcopy')) ? runDirectories(cwd) : []).toEqual([]);
  });
});
