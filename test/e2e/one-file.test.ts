import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { begunAndHeld, letGo } from './held-worker.ts';
import { announcedJob, readPlanOf } from './run-files.ts';
import { bcopyAs, logOf, preparedSources, rsyncWould, users } from './several-sources.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const MiB = 2 ** 20;

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world?.close());

type Case = readonly [title: string, destination: string, becomes: string, prepare: (dst: string) => void];
const nothing = () => undefined;
const cases: Case[] = [
  ['into a directory', 'dst', 'dst/F', nothing],
  ['into a directory typed as one', 'dst/', 'dst/F', nothing],
  ['into a new directory typed as one', 'new/', 'new/F', nothing],
  ['to a new name', 'dst/other name', 'dst/other name', nothing],
  ['to a new name here', 'named', 'named', nothing],
  ['over a file', 'dst/old', 'dst/old', (dst) => writeFileSync(`${dst}/old`, 'a longer content')],
  [
    'over a symlink, which is not followed',
    'dst/link',
    'dst/link',
    (dst) => symlinkSync('keep', `${dst}/link`),
  ],
  ['over a symlink that leads nowhere', 'dst/link', 'dst/link', (dst) => symlinkSync('no', `${dst}/link`)],
  ['by a symlink to a directory', 'way', 'dst/F', (dst) => symlinkSync('dst', `${dst}/../way`)],
];

describe.concurrent('one file is copied', () => {
  it.each(cases)('%s', async (_, destination, becomes, prepare) => {
    const cwd = await preparedSources(world);
    const dst = join(cwd, 'dst');
    writeFileSync(`${dst}/keep`, 'kept');
    prepare(dst);
    giveToUser(dst);
    const others = () => readdirSync(dst).filter((name) => `dst/${name}` !== becomes);
    const [before, { mode }] = [others(), statSync(dst)];
    const ran = await world.bcopy(cwd, '-s', 'two/F', '-d', destination, '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncWould(world.run, cwd, 'two/F', becomes)).toBe('');
    expect(lstatSync(join(cwd, becomes)).isFile()).toBe(true);
    expect(others()).toEqual(before);
    expect(readFileSync(`${dst}/keep`, 'utf8')).toBe('kept');
    expect(statSync(dst).mode).toBe(mode);
  });
});

describe.each(users)('one file, by %s,', (_, runner) => {
  it.each([
    ['in a directory', 'dst', 'dst/F'],
    ['with a new name', 'dst/new', 'dst/new'],
  ])('%s is found again by all that asks for the run', async (__, destination, becomes) => {
    const [cwd, run] = [await preparedSources(world), runner(world)];
    const command = ['-s', 'two/F', '-d', destination];
    const ran = await bcopyAs(run, cwd, ...command, '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncWould(run, cwd, 'two/F', becomes)).toBe('');
    expect(ran.stdout).toContain('The file is copied.');
    const again = await bcopyAs(run, cwd, ...command, '--wait');
    expect(again.stdout).toContain('Nothing had to be copied: the file is there already.');
    expect(logOf(cwd, again)).toMatch(/^copied +0 +0$/m);
    expect(logOf(cwd, again)).toMatch(
      new RegExp(`^source +${cwd}/two/F\ndestination +${cwd}/${becomes}$`, 'm'),
    );
    expect(await bcopyAs(run, cwd, 'verify', announcedJob(again.stdout))).toMatchObject({ exitCode: 0 });
    expect((await bcopyAs(run, cwd, ...command, '--retry')).stdout).toContain('Nothing is left to copy');
    writeFileSync(join(cwd, becomes), 'fffe');
    const wrong = await bcopyAs(run, cwd, 'verify', announcedJob(ran.stdout));
    expect(wrong).toMatchObject({ exitCode: 4, stdout: expect.stringMatching(/^content +(F|new)/m) });
  });
});

describe.concurrent('one file', () => {
  it('has any name, here and there', async () => {
    const cwd = await preparedSources(world);
    const script = String.raw`
      printf odd > $'li\nne\xff' || exit
      "$0" -s $'li\nne\xff' -d dst --wait || exit
      "$0" -s $'li\nne\xff' -d $'dst/\xe9\n' --wait || exit
      rsync -aHAXn --itemize-changes $'li\nne\xff' dst/ >rsync
      rsync -aHAXn --itemize-changes $'li\nne\xff' $'dst/\xe9\n' >>rsync`;
    const ran = await world.run(cwd, 'bash', '-c', script, `${inject('installed')}/dist/js/cli/main.js`);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const names = readdirSync(join(cwd, 'dst'), { encoding: 'latin1' as never });
    expect(names.sort()).toEqual(['li\nne\xff', 'other', '\xe9\n']);
    expect(readFileSync(join(cwd, 'rsync'), 'utf8')).toBe('');
  });

  it('that is large is divided over shards, and its holes stay', async () => {
    const cwd = await preparedSources(world);
    const large = join(cwd, 'large');
    writeFileSync(large, 'begin');
    truncateSync(large, 2048 * MiB);
    writeFileSync(large, 'end', { flag: 'a' });
    giveToUser(cwd);
    const command = ['-s', 'large', '-d', 'dst/copy', '--shards', '4', '--workers', '2', '--wait'];
    const ran = await world.bcopy(cwd, ...command);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const { shards } = readPlanOf(cwd);
    expect(shards.slice(1).map(({ start }) => start.byte > 0)).toEqual([true, true, true]);
    expect(await rsyncWould(world.run, cwd, 'large', 'dst/copy')).toBe('');
    expect(statSync(join(cwd, 'dst/copy')).blocks).toBeLessThan(4096);
    expect(readdirSync(join(cwd, 'dst')).sort()).toEqual(['copy', 'other']);
    expect((await world.run(cwd, 'tail', '-c', '4', 'dst/copy')).stdout).toBe('\0end');
    utimesSync(large, 5, 5);
    expect(logOf(cwd, await world.bcopy(cwd, ...command))).toMatch(/^copied +1 +/m);
  });

  it('keeps the hard link that it has with another', async () => {
    const cwd = await preparedSources(world);
    const ran = await world.bcopy(cwd, '-s', 'G', '-s', 'one/A/sub/deep/b', '-d', 'dst', '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const [g, b] = ['G', 'b'].map((name) => lstatSync(join(cwd, 'dst', name)).ino);
    expect(g).toBe(b);
  });

  it('can be left out, and is then not missed', async () => {
    const cwd = await preparedSources(world);
    const ran = await world.bcopy(cwd, '-s', 'two/F', '-d', 'dst', '--exclude', 'F', '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(cwd, 'dst'))).toEqual(['other']);
  });

  it('that has gone since the plan has vanished', async () => {
    const cwd = await preparedSources(world);
    const job = await begunAndHeld(world, cwd, '-s', 'two/F', '-d', 'dst/new');
    rmSync(join(cwd, 'two/F'));
    expect((await letGo(world, cwd, job)).phase).toBe('complete');
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toMatch(/^vanished +1 +4$/m);
    expect(existsSync(join(cwd, 'dst/new'))).toBe(false);
  });

  it('is copied as it is when it was replaced since the plan, but not when its directory was', async () => {
    const cwd = await preparedSources(world);
    const command = ['-s', 'two/F', '-d', 'dst/new'];
    const job = await begunAndHeld(world, cwd, ...command, '--max-attempts', '1');
    renameSync(join(cwd, 'two'), join(cwd, 'away'));
    mkdirSync(join(cwd, 'two'));
    expect((await letGo(world, cwd, job)).phase).toBe('incomplete');
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toMatch(/^vanished +0 +0$/m);
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toContain('SOURCE_ROOT');
    rmSync(join(cwd, 'two'), { recursive: true });
    renameSync(join(cwd, 'away'), join(cwd, 'two'));
    writeFileSync(join(cwd, 'two/G'), 'other');
    renameSync(join(cwd, 'two/G'), join(cwd, 'two/F'));
    giveToUser(join(cwd, 'two'));
    const ran = await world.bcopy(cwd, ...command, '--retry', '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(cwd, 'dst/new'), 'utf8')).toBe('other');
  });
});
