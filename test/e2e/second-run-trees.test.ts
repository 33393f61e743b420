import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { changeTree, makeRandomTree, statusAt } from '../helpers/change-tree.ts';
import { pathsBelow } from '../helpers/disturbed-trees.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const isRoot = process.getuid?.() === 0;
const program = `${inject('installed')}/dist/js/cli/main.js`;
/** Set to see one failure again. */
const onlySeed = Number(process.env.SECOND_RUN_SEED ?? 0);
const rounds = Number(process.env.SECOND_RUN_ROUNDS ?? 5);

/** What a round asks of bcopy, and of rsync after it. */
type Manner = {
  readonly sources: readonly string[];
  readonly words: readonly string[];
  readonly rsync: readonly string[];
  /** Left out: as root. */
  readonly isOrdinaryUser?: true;
};

const manners: Readonly<Record<string, Manner>> = {
  'with one worker': { sources: ['src/'], words: ['--workers', '1', '--delete'], rsync: ['--delete'] },
  'with several workers': {
    sources: ['src/'],
    words: ['--workers', '4', '--shards', '8', '--delete=now'],
    rsync: ['--delete'],
  },
  'with a filter': {
    sources: ['src/'],
    words: ['--exclude', 'd-', '--exclude', 'f3'],
    rsync: ['--exclude', 'd-', '--exclude', 'f3'],
  },
  'as an ordinary user': {
    sources: ['src/'],
    words: ['--workers', '2', '--delete'],
    rsync: ['--delete'],
    isOrdinaryUser: true,
  },
  'of two sources': { sources: ['A', 'B'], words: ['--workers', '2', '--delete=now'], rsync: ['--delete'] },
};

/** Only root can keep owners. */
describe.skipIf(!isRoot)('a second run, after anything was changed at either side', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('local');
  });
  afterAll(() => world.close());

  async function bcopy(cwd: string, { sources, words, isOrdinaryUser }: Manner): Promise<string> {
    const roots = sources.flatMap((source) => ['-s', source]);
    const all = [...roots, '-d', 'dst', '--wait', '--max-delete', '100%', ...words];
    const options = { cwd, env: world.env, extendEnv: false, reject: false } as const;
    const ran = isOrdinaryUser ? await world.bcopy(cwd, ...all) : await execa(program, all, options);
    const job = /Job <(\d+)>/.exec(ran.stdout)?.[1];
    const told = existsSync(join(cwd, `${job}.err`)) ? readFileSync(join(cwd, `${job}.err`), 'utf8') : '';
    expect(ran.exitCode, `${ran.stderr}\n${told}`).toBe(0);
    return readFileSync(join(cwd, `${job}.log`), 'utf8');
  }

  /** What rsync would still do, to the nanosecond; the trash is nobody's. */
  async function differences(cwd: string, { sources, rsync }: Manner): Promise<string> {
    const words = [
      '-aHAXn',
      '--modify-window=-1',
      '--itemize-changes',
      '--exclude=/.bcopy-trash',
      ...rsync,
      ...sources,
      'dst/',
    ];
    return (await execa('rsync', words, { cwd })).stdout;
  }

  function makeTrees(cwd: string, { sources }: Manner, random: Random): void {
    for (const source of sources) makeRandomTree(join(cwd, source), random);
    execaSync('rsync', ['-aHAX', ...sources, 'dst/'], { cwd });
  }

  /** bcopy puts nothing in the place of a directory that holds something. */
  function makeWay(cwd: string, { sources }: Manner): void {
    for (const source of sources) {
      const at = join(cwd, 'dst', source.endsWith('/') ? '' : source);
      for (const path of existsSync(at) ? pathsBelow(at) : []) {
        const [one, other] = [statusAt(join(cwd, source, path)), statusAt(join(at, path))];
        if (one === undefined || one.isDirectory() || !other?.isDirectory()) continue;
        rmSync(join(at, path), { recursive: true });
        writeFileSync(join(at, path), 'in the way');
      }
    }
  }

  it.each(Object.entries(manners))('leaves rsync nothing to do: %s', async (_, manner) => {
    const seeds = onlySeed > 0 ? [onlySeed] : Array.from({ length: rounds }, (__, i) => i + 1);
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      const cwd = world.directory();
      makeTrees(cwd, manner, random);
      const isFirst = { source: random(4) > 0, destination: random(4) > 0 };
      for (const source of manner.sources)
        if (isFirst.source) changeTree(join(cwd, source), random, random(6));
      if (isFirst.destination) changeTree(join(cwd, 'dst'), random, random(6));
      makeWay(cwd, manner);
      if (manner.isOrdinaryUser) for (const tree of ['src', 'dst']) giveToUser(join(cwd, tree));
      const log = await bcopy(cwd, manner);
      expect(await differences(cwd, manner), `SECOND_RUN_SEED=${seed}\n${log}`).toBe('');
    }
  });
});
