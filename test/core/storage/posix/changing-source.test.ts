import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { EntryOutcome } from '../../../../core/model/outcome.ts';
import type { PlacedEntry } from '../../../../core/run/tape-reader.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import type { Mutation } from '../../../helpers/mutator.ts';
import { type Manner, mixtureIn, stamped } from '../../../helpers/stamped-file.ts';
import { buildChild } from '../../../helpers/storage-as-user.ts';
import {
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  sumOf,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

const seed = Number(process.env.CHANGING_SEED ?? Date.now() % 1_000_000);
const rounds = 24;
const patience = { timeout: 60_000 };
const uid = process.getuid?.() ?? 0;
const manners: readonly Manner[] = ['in place', 'restored', 'replaced', 'truncated', 'appended', 'deleted'];
const MiB = 2 ** 20;
const bigBlocks = 768;

const mutator = await buildChild<Mutation, number>('mutator');
afterAll(() => mutator.remove());

let trees: TwoTrees;
let stop: string;
let mounted: Mounted | string | undefined;
let entries: PlacedEntry[];
const files: Mutation['files'] = [
  ...manners.flatMap((manner) =>
    [1, 4, 60].map((blocks) => ({ path: `${manner} ${blocks}`, manner, blocks })),
  ),
  ...(['in place', 'replaced', 'truncated'] as const).map((manner) => ({
    path: `large ${manner}`,
    manner,
    blocks: bigBlocks,
  })),
  { path: 'divided', manner: 'in place', blocks: bigBlocks },
];
const symlinks = ['s0', 's1', 's2'];
const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;

beforeEach(() => {
  mounted = undefined;
  trees = makeTwoTrees();
  stop = `${trees.top}/stop`;
  mkdirSync(`${trees.top}/aside`);
  for (const { path, blocks } of files) writeFileSync(source(path), stamped(0, blocks));
  for (const name of symlinks) symlinkSync('0-'.repeat(20), source(name));
  linkSync(source('in place 4'), source('in place 4 again'));
  for (const [i, name] of ['one', 'other'].entries()) {
    mkdirSync(source(name));
    // Of one size and time they would be the same to it
    writeFileSync(`${source(name)}/f`, stamped(i, 8 + i));
  }
  entries = scanned(trees.source);
});
afterEach(async () => {
  trees.remove();
  if (typeof mounted === 'object') await mounted.unmount();
});

/** All that workers and finish do but for the directories. Returns what was left undone. */
function copyAll(attempt: number): EntryOutcome[] {
  const open = (pid: number) =>
    new PosixStorage(requestFor(trees, { writer: { run: 'r1', attempt, restart: 0, pid } }));
  const [one, other] = [open(7), open(8)];
  const wanted = entries.filter(({ path }) => path !== 'divided');
  const group = one.copyGroup(groupFor(wanted.map((entry, ordinal) => ({ ...entry, ordinal }))));
  expectClosed(group, wanted);
  const outcomes = [...group.outcomes];
  const take = (finished: ReturnType<PosixStorage['linkEntry']>) => {
    if (finished.kind === 'outcome') outcomes.push(finished.outcome);
  };
  for (const { ordinal, entry, path } of entries) {
    if (entry.kind === 'link') take(one.linkEntry({ ordinal, path, firstPath: entries[entry.first]!.path }));
    if (path !== 'divided') continue;
    const big = { ordinal, path, bytes: bigBlocks * 4096 };
    const parts = [
      one.copyPart({ ...big, from: 2 * MiB }),
      other.copyPart({ ...big, from: 0, to: MiB }),
      other.copyPart({ ...big, from: MiB, to: 2 * MiB }),
    ].flatMap((result) => ('part' in result ? [result.part] : []));
    const [first] = parts;
    const isOne = parts.every((p) => p.version === first?.version && p.temporary === first.temporary);
    if (first !== undefined && parts.length === 3 && isOne) take(one.completeFile({ ...big, ...first }));
  }
  for (const storage of [one, other]) storage.close();
  return outcomes;
}

function expectClosed(group: GroupOutcome, wanted: readonly PlacedEntry[]): void {
  const done = (['copied', 'skipped', 'linked'] as const).map((kind) => sumOf(group, kind).entries);
  const counted = wanted.filter(({ entry }) => ['file', 'symlink'].includes(entry.kind)).length;
  expect(done.reduce((sum, one) => sum + one, 0) + group.outcomes.length).toBe(counted);
}

function mixtures(): string[] {
  const found: string[] = [];
  for (const { path, manner } of [...files, { path: 'one/f', manner: 'replaced' } as const]) {
    if (!existsSync(destination(path))) continue;
    const why = mixtureIn(readFileSync(destination(path)), manner);
    if (why !== undefined) found.push(`${path}: ${why}`);
  }
  for (const name of symlinks) {
    const target = existsLink(name) ? readlinkSync(destination(name)) : '';
    if (new Set(target.split('-').slice(0, -1)).size > 1) found.push(`${name}: ${target}`);
  }
  return found;
}

const existsLink = (name: string) =>
  lstatSync(destination(name), { throwIfNoEntry: false })?.isSymbolicLink() === true;

test.each(['the same file system', 'another file system'])(
  'a source that changes is copied to %s in states that it had, or that is told',
  async (where) => {
    console.log(`CHANGING_SEED=${seed}`);
    if (where === 'another file system') {
      mounted = await mountNew('tmpfs');
      if (typeof mounted === 'string') return console.log(mounted);
      trees = { ...trees, destination: mounted.path };
    }
    const work = { tree: trees.source, symlinks, aside: `${trees.top}/aside`, stop };
    const directories = ['one', 'other'] as const;
    const running = mutator.run({ ...work, files, directories, seed }, [], uid);
    await expect.poll(() => existsSync(`${stop}.${seed}`), patience).toBe(true);
    const causes = new Map<string, number>();
    for (let round = 1; round <= rounds; round++) {
      // What has the same size and time would be skipped
      for (const { path, manner } of files)
        if (manner === 'restored') rmSync(destination(path), { force: true });
      for (const { outcome, cause } of copyAll(round))
        causes.set(`${outcome} ${cause}`, (causes.get(`${outcome} ${cause}`) ?? 0) + 1);
      expect(mixtures()).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writeFileSync(stop, '');
    expect(await running).toBeGreaterThan(rounds);
    const told = ['failed CHANGED', 'vanished ENOENT'];
    expect([...causes.keys()].filter((cause) => !told.includes(cause))).toEqual([]);
    expectEqualNow();
  },
);

/** What was skipped as the same is the same. */
function expectEqualNow(): void {
  expect(copyAll(rounds + 1)).toEqual([]);
  const equal = [
    ...files.filter(({ manner }) => manner !== 'restored').map(({ path }) => path),
    'one/f',
    'other/f',
  ];
  const differing = equal.filter(
    (path) => !readFileSync(source(path)).equals(readFileSync(destination(path))),
  );
  expect(differing).toEqual([]);
  expect(symlinks.map((name) => readlinkSync(destination(name)))).toEqual(
    symlinks.map((name) => readlinkSync(source(name))),
  );
}
