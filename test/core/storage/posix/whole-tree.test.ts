import { chmodSync, mkdirSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PlacedEntry } from '../../../../core/run/tape-reader.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import type { FinishedEntry, GroupOutcome } from '../../../../core/storage/storage.ts';
import { groupsOf } from '../../../../workers/groups.ts';
import { treesToCopy } from '../../../contracts/storage-literals.ts';
import { attributesBelow, differences, setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import {
  buildStorageProgram,
  type Call,
  ordinaryUser,
  type StorageProgram,
} from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, requestFor, scanned, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeTree, sparseFile, tree } from '../../../helpers/tree.ts';

const MiB = 2 ** 20;
const isRoot = process.getuid?.() === 0;

/** XFS takes symlinks of 1024 bytes at most. */
const tooLong = 'of 4095 bytes';

/** Everything that docs/fidelity.md tells of, in one tree; `forRoot` what only root can copy. */
async function fill(source: string, forRoot: boolean, without = ''): Promise<void> {
  for (const [name, literal] of Object.entries(treesToCopy)) {
    const nodes = Object.entries(literal).filter(([node]) => node !== without);
    await makeTree(`${source}/${name}`, tree(nodes));
  }
  mkdirSync(`${source}/more`);
  await makeTree(`${source}/more/holes`, {
    hole: sparseFile(64 * MiB),
    data: sparseFile(9 * MiB, [[5 * MiB, 'x']]),
  });
  await makeTree(`${source}/more/a`, { plain: 'x', acl: 'x', attribute: 'x', d: { default: 'x' } });
  const at = (name: string) => `${source}/more/a/${name}`;
  setAttribute(at('attribute'), 'user.a', 'x');
  setAttribute(at('d'), 'user.d', '0x00ff');
  setAcl(at('acl'), '-m', 'u:1234:rwx,g:1235:-,m::rx');
  setAcl(at('d'), '-m', 'u:1234:rx,d:u:1234:rwx,d:m::r');
  if (!forRoot) return;
  setAttribute(at('attribute'), 'trusted.a', 'x');
  setAttribute(at('attribute'), 'security.capability', '0x0100000200200000000000000000000000000000');
  execaSync('mknod', [at('null'), 'c', '1', '3']);
  execaSync('chown', ['-h', '4000000000:1235', at('plain'), at('d'), at('null')]);
}

const isFurther = ({ entry }: PlacedEntry) => entry.kind === 'link' || entry.kind === 'directory';

/** The calls of a run, from its first group to its last directory. */
function callsFor(entries: readonly PlacedEntry[]): Call[] {
  const groups = [
    ...groupsOf(
      entries,
      () => false,
      () => 256,
    ),
  ].map((group): Call => ['copyGroup', group]);
  const rest = entries
    .filter(isFurther)
    .reverse()
    .map(({ ordinal, path, entry }): Call => {
      if (entry.kind !== 'link') return ['completeDirectory', ordinal, path];
      return ['linkEntry', { ordinal, path, firstPath: entries[entry.first]!.path }];
    });
  return [...groups, ...rest, ['takeNotes']];
}

/** What failed, and what was noted. */
function failuresIn(results: readonly unknown[]): unknown[] {
  return results.flatMap((result): unknown[] => {
    if (result instanceof Map) return [...result];
    const one = result as GroupOutcome | FinishedEntry;
    if ('ranges' in one) return [...one.outcomes, ...one.notes];
    return one.kind === 'outcome' ? [one.outcome] : [];
  });
}

let trees: TwoTrees | undefined;
afterEach(() => trees?.remove());

async function expectEqual({ source, destination }: TwoTrees): Promise<void> {
  expect(await differences(source, destination)).toBe('');
  expect(await attributesBelow(destination)).toBe(await attributesBelow(source));
}

describe.each(fileSystems.filter((kind) => kind !== 'ramfs'))('all that a tree can hold, on %s', (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  beforeEach(({ skip }) => {
    if (typeof mounted === 'string') skip(mounted);
  });

  test('is as rsync would have copied it, by root', async () => {
    trees = makeTwoTrees((mounted as Mounted).path);
    await fill(trees.source, true, kind === 'xfs' ? tooLong : '');
    const storage = new PosixStorage(requestFor(trees));
    const results = callsFor(scanned(trees.source)).map(([name, ...args]) =>
      (storage[name] as (...args: unknown[]) => unknown)(...args),
    );
    storage.close();
    expect(failuresIn(results)).toEqual([]);
    await expectEqual(trees);
    expect(copiesAgain()).toEqual([]);
    await expectEqual(trees);
  });

  test('is copied no more after rsync has', async () => {
    trees = makeTwoTrees((mounted as Mounted).path);
    await fill(trees.source, true, kind === 'xfs' ? tooLong : '');
    // What it has made in the same second it gives no other fraction
    const recent = ['-newermt', '2020-01-01', '!', '-newermt', '2030-01-01'];
    const touch = ['-exec', 'touch', '-hd', '@1000000000.123456789', '{}', '+'];
    await execa('find', [trees.source, '-depth', ...recent, ...touch]);
    await execa('rsync', ['-aHAXS', `${trees.source}/`, `${trees.destination}/`]);
    expect(copiesAgain()).toEqual([]);
    await expectEqual(trees);
  });
});

/** What a run does that finds everything there: nothing, and no note of anything. */
function copiesAgain(): unknown[] {
  const storage = new PosixStorage(requestFor(trees!));
  const results = callsFor(scanned(trees!.source)).map(([name, ...args]) =>
    (storage[name] as (...args: unknown[]) => unknown)(...args),
  );
  storage.close();
  const isCopied = (result: unknown) => {
    const one = result as GroupOutcome | FinishedEntry | ReadonlyMap<string, number>;
    if (one instanceof Map) return false;
    if ('ranges' in one) return one.ranges.some(({ copied }) => copied.entries > 0);
    return 'kind' in one && one.kind !== 'skipped';
  };
  return [...failuresIn(results), ...results.filter(isCopied)];
}

describe('all that a tree can hold', () => {
  let program: StorageProgram;
  beforeAll(async () => {
    program = await buildStorageProgram();
  });
  afterAll(() => program.remove());

  test('is as rsync would have copied it, by an ordinary user', async () => {
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
    await fill(trees.source, false);
    // What he may not read has a test of its own
    await execa('bash', ['-c', 'find "$1" -perm 0000 -exec rm -rf {} +', 'bash', trees.source], {
      reject: false,
    });
    const entries = scanned(trees.source);
    if (isRoot) {
      // A change of the owner takes setuid and setgid away
      const line =
        'find "$1" -print0 | while IFS= read -r -d "" f; do m=$(stat -c %a "$f"); chown -h "$2:$2" "$f"; [ -L "$f" ] || { getfacl -sc "$f" | grep -q . || chmod "$m" "$f"; }; done';
      await execa('bash', ['-c', line, 'bash', trees.top, `${ordinaryUser}`]);
    }
    expect(failuresIn(await program.run({ request: requestFor(trees), calls: callsFor(entries) }))).toEqual(
      [],
    );
    await expectEqual(trees);
  });
});
