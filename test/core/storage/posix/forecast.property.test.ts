import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { entryToForetell } from '../../../../cli/steps/foretell-run.ts';
import { byTime, type Comparison, compareWords } from '../../../../core/model/compare.ts';
import { type Fidelity, keepWords, symlinkWords } from '../../../../core/model/fidelity.ts';
import type { Forecast } from '../../../../core/model/forecast.ts';
import type { PlacedEntry } from '../../../../core/run/tape-reader.ts';
import { type EntryToForetell, Foreteller } from '../../../../core/storage/posix/foreteller.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { scanTree } from '../../../../core/storage/posix/scan.ts';
import { groupOfOne } from '../../../../workers/groups.ts';
import { disturbTree, pathsBelow } from '../../../helpers/disturbed-trees.ts';
import { type Random, randomNumbers } from '../../../helpers/random.ts';
import { FifoStock, RandomSource } from '../../../helpers/random-source.ts';
import { groupFor, makeTwoTrees, placed, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

const firstSeed = Number(process.env.FORECAST_SEED ?? 1);
const cases = Number(process.env.FORECAST_CASES ?? 80);
const isRoot = process.getuid?.() === 0;

let trees: TwoTrees | undefined;
afterEach(() => trees?.remove());

type Rules = { readonly compare: Comparison; readonly fidelity: Fidelity };
/** What became of an entry: `failed EISDIR`, `copied`. */
type Outcome = string;
type Facts = {
  readonly inode: number;
  readonly links: number;
  readonly isDirectory: boolean;
  readonly owner: string;
  readonly mode: number;
  readonly mtime: bigint;
  readonly xattr: string;
};

function randomRules(random: Random): Rules {
  const maybe = (times: number) => random(times) === 0;
  const keep = maybe(2) ? [...keepWords] : keepWords.filter(() => !maybe(4));
  return {
    compare: {
      ...byTime,
      by: compareWords[random(compareWords.length)]!,
      windowSeconds: maybe(5) ? 10 : 0,
      tailBytes: maybe(2) ? 100 : byTime.tailBytes,
      update: maybe(4),
      ignoreExisting: maybe(6),
      existing: maybe(6),
    },
    fidelity: { keep, require: [], symlinks: symlinkWords[maybe(2) ? 0 : random(symlinkWords.length)]! },
  };
}

function scan(source: string, { fidelity }: Rules): PlacedEntry[] {
  return placed([
    ...scanTree({
      path: source,
      spillFile: `${source}/../spill`,
      probe: false,
      keepsLinks: fidelity.keep.includes('links'),
      followsSymlinks: fidelity.symlinks === 'follow',
      passOver: undefined,
      forbidden: undefined,
    }),
  ]);
}

function foretell(
  { source, destination }: TwoTrees,
  entries: readonly PlacedEntry[],
  rules: Rules,
): Forecast[] {
  const { sourceInode } = requestFor({ source, destination });
  const roots = [{ name: '', path: source, inode: sourceInode }];
  const foreteller = new Foreteller({ roots, destination, doubtsFiles: false, ...rules });
  try {
    return entries.map((placed) => {
      const entry: EntryToForetell = entryToForetell(placed, (ordinal) => entries[ordinal]!);
      return foreteller.foretell(entry);
    });
  } finally {
    foreteller.close();
  }
}

/** What workers and finish do, entry by entry. */
function copy(both: TwoTrees, entries: readonly PlacedEntry[], rules: Rules): Outcome[] {
  const storage = new PosixStorage(requestFor(both, { begunAtMs: Date.now() + 60_000, ...rules }));
  const group = groupFor(entries);
  const outcomes = new Map<number, Outcome>();
  for (const { ordinal, entry } of entries) {
    if (entry.kind === 'directory' || entry.kind === 'link') continue;
    const { outcomes: failed, ranges } = storage.copyGroup(groupOfOne(group, ordinal));
    const kind = failed[0] && `${failed[0].outcome} ${failed[0].cause}`;
    outcomes.set(ordinal, kind ?? (ranges.some(({ copied }) => copied.entries > 0) ? 'copied' : 'skipped'));
  }
  for (const { ordinal, entry, path } of [...entries].reverse()) {
    if (entry.kind !== 'directory' && entry.kind !== 'link') continue;
    const first = entry.kind === 'link' ? outcomes.get(entry.first)! : '';
    if (first.startsWith('failed')) {
      outcomes.set(ordinal, first);
      continue;
    }
    const finished =
      entry.kind === 'directory'
        ? storage.completeDirectory(ordinal, path)
        : storage.linkEntry({ ordinal, path, firstPath: entries[entry.first]!.path });
    const outcome = finished.kind === 'outcome' ? finished.outcome : undefined;
    outcomes.set(ordinal, outcome === undefined ? finished.kind : `${outcome.outcome} ${outcome.cause}`);
  }
  storage.close();
  return entries.map(({ ordinal }) => outcomes.get(ordinal)!);
}

function factsBelow(root: string): Map<string, Facts> {
  const attributes = execFileSync('getfattr', ['-hR', '-m', '^user', '-d', '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  const xattrs = new Map(
    attributes.split('\n\n').map((lines) => [/^# file: (.*)/.exec(lines)?.[1] ?? '', lines] as const),
  );
  return new Map(
    ['', ...pathsBelow(root)].map((path) => {
      const { ino, nlink, uid, gid, mode, mtimeNs } = lstatSync(`${root}/${path}`, { bigint: true });
      const facts = {
        inode: Number(ino),
        links: Number(nlink),
        isDirectory: (Number(mode) & 0o170000) === 0o040000,
        owner: `${uid}:${gid}`,
        mode: Number(mode) & 0o7777,
        mtime: mtimeNs,
        xattr: xattrs.get(path) ?? '',
      };
      return [path, facts];
    }),
  );
}

/** What a look leaves behind, but the atimes of symlinks: nobody can read them without. */
function timesBelow(root: string): string[] {
  return ['', ...pathsBelow(root)].map((path) => {
    const status = lstatSync(`${root}/${path}`, { bigint: true });
    const { atimeNs, ctimeNs, mtimeNs } = status;
    return `${path} ${status.isSymbolicLink() ? '' : atimeNs} ${ctimeNs} ${mtimeNs}`;
  });
}

const changeable = ['owner', 'mode', 'mtime', 'xattr'] as const;

function keepsTimes({ compare, fidelity }: Rules): boolean {
  return fidelity.keep.includes('times') && compare.windowSeconds === 0;
}

/** What is wrong with a forecast; undefined when it came true. */
function whatIsWrong(
  rules: Rules,
  { action, why, detail }: Forecast,
  { path, entry }: PlacedEntry,
  outcome: Outcome,
  before: Facts | undefined,
  after: Facts | undefined,
): string | undefined {
  const isSame = before?.inode === after?.inode;
  const isDirectory = entry.kind === 'directory';
  // What is made in a directory changes it, and only what is kept is set again
  const counted = changeable.filter((key) => key !== 'mtime' || !isDirectory || keepsTimes(rules));
  const changed = counted.filter((key) => before?.[key] !== after?.[key]);
  const wrong = (what: string) =>
    `${path || '.'}: ${action} (${why} ${detail}), but ${what}: ${outcome} ${changed}`;
  if (action === 'fail') return outcome === `failed ${why}` ? undefined : wrong('it did not fail so');
  if (outcome.startsWith('failed')) return wrong('it failed');
  if (why === 'vanished') return outcome.startsWith('vanished') ? undefined : wrong('it had not');
  if (isDirectory) {
    const isMade = before?.isDirectory !== true && after?.isDirectory === true;
    if (isMade !== (action === 'make' || action === 'replace')) return wrong('made or not');
    if (action === 'make' && before !== undefined) return wrong('something was there');
  } else {
    // What became of its other names may have changed it, or left it with fewer
    if (entry.kind !== 'link' && (before?.links ?? 0) > 1) return undefined;
    const wanted = { copy: 'copied', replace: 'copied', link: 'linked', skip: 'skipped', mend: 'skipped' };
    if (outcome !== wanted[action as keyof typeof wanted]) return wrong('it is not so');
    if ((action === 'copy' || action === 'replace' || action === 'link') && isSame)
      return wrong('it is as it was');
    if ((action === 'mend' || action === 'skip') && !isSame) return wrong('it is another');
    if (why === 'missing' && before !== undefined) return wrong('something was there');
    if (entry.kind === 'link') return undefined;
  }
  if (action === 'skip' && changed.length > 0) return wrong('it changed');
  if (action !== 'mend') return undefined;
  const told = counted.filter((key) => new RegExp(`\\b${key}\\b`).test(detail));
  return told.join() === changed.join() ? undefined : wrong('other things changed');
}

test.runIf(isRoot)('what is foretold is what a copy does, and foretelling touches nothing', () => {
  const told = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    trees?.remove();
    trees = makeTwoTrees();
    const { source, destination, top } = trees;
    const random = randomNumbers(seed);
    const rules = randomRules(random);
    mkdirSync(`${top}/elsewhere`);
    new RandomSource(source, random, new FifoStock(`${top}/fifos`));
    if (random(8) > 0) execFileSync('cp', ['-a', `${source}/.`, destination]);
    for (let times = random(25); times > 0; times--) disturbTree(destination, random);
    for (let times = random(8); times > 0; times--) disturbTree(source, random);
    const entries = scan(source, rules);
    const times = [timesBelow(source), timesBelow(destination), process.cwd()];
    const forecasts = foretell(trees, entries, rules);
    expect([timesBelow(source), timesBelow(destination), process.cwd()]).toEqual(times);
    const before = factsBelow(destination);
    const outcomes = copy(trees, entries, rules);
    const after = factsBelow(destination);
    const wrong = entries.flatMap((placed, i) => {
      const { path, entry } = placed;
      if (entry.kind === 'link' && forecasts[entry.first]!.why === 'names') return [];
      return whatIsWrong(rules, forecasts[i]!, placed, outcomes[i]!, before.get(path), after.get(path)) ?? [];
    });
    expect({ seed: `FORECAST_SEED=${seed} FORECAST_CASES=1`, rules, wrong }).toMatchObject({ wrong: [] });
    for (const { action, why } of forecasts)
      told.set(`${action} ${why}`, (told.get(`${action} ${why}`) ?? 0) + 1);
  }
  if (cases >= 80) {
    const most =
      'make missing,copy missing,copy size,copy mtime,copy content,copy tail,replace type,mend metadata,link link';
    const more =
      'skip identical,skip newer,skip there,skip absent,skip symlink,fail EISDIR,copy names,copy target';
    for (const kind of `${most},${more}`.split(',')) expect([...told.keys()]).toContain(kind);
  }
});
