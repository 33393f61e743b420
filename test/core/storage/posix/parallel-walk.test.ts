import { chmodSync, chownSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { identityOf } from '../../../../core/storage/posix/scan.ts';
import { fillHostileTree } from '../../../helpers/hostile-tree.ts';
import type { ScanWork } from '../../../helpers/scan-child.ts';
import { type Scanned, scanAlone, scanTogether, type Ways } from '../../../helpers/scan-tapes.ts';
import { buildChild, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';

const installed = inject('installed');
let trees: TwoTrees;
beforeAll(() => {
  trees = makeTwoTrees();
  fillHostileTree(trees.source, trees.top);
});
afterAll(async () => {
  // rm walks with descriptors, which takes any depth
  await execa('rm', ['-rf', trees.top]);
});

/** So many descriptors are open. */
const descriptors = () => readdirSync('/proc/self/fd').length;

async function expectTheSame(ways: Ways): Promise<Scanned> {
  const alone = scanAlone(trees.source, ways);
  const before = descriptors();
  const together = await scanTogether(trees.source, installed, ways);
  expect(together.totals).toEqual(alone.totals);
  expect(together.outside).toBe(alone.outside);
  expect(together.tape === alone.tape, 'the same tape').toBe(true);
  expect(together.index === alone.index, 'the same index').toBe(true);
  expect(descriptors()).toBe(before);
  return together;
}

describe.each([0, 1, 2, 8])('with %i threads beside this one', (threads) => {
  test.each([1, 16, 2048])(
    'the tape is that of one thread, in stretches of %i names',
    async (namesAtMost) => {
      const { totals, outside } = await expectTheSame({ threads, namesAtMost });
      expect(totals.entries).toBeGreaterThan(9000);
      expect(totals.links).toBeGreaterThan(400);
      expect(outside).toBe(1);
    },
  );

  test('the tape is that of one thread where calls are slow', async () => {
    await expectTheSame({ threads, isSlow: true });
  });
});

describe.each([true, false])('slow: %s', (isSlow) => {
  test('files are opened to see that they can be read', async () => {
    await expectTheSame({ isSlow, probe: true });
  });

  test('names of a file are files of their own when links are not kept', async () => {
    const { totals } = await expectTheSame({ isSlow, keepsLinks: false });
    expect(totals.links).toBe(0);
  });

  test('a directory is passed over', async () => {
    const passOver = identityOf(`${trees.source}/nested/3`);
    const { tape } = await expectTheSame({ isSlow, passOver });
    expect(tape).not.toContain('"nested/3');
  });

  test('the forbidden directory ends the scan', async () => {
    const refuse = (path: string): never => {
      throw new Error(`refused ${path}`);
    };
    const forbidden = { identity: identityOf(`${trees.source}/nested/3/1`)!, refuse };
    const before = descriptors();
    await expect(scanTogether(trees.source, installed, { isSlow, forbidden })).rejects.toThrow(
      'refused nested/3/1',
    );
    expect(descriptors()).toBe(before);
  });

  test('an interruption ends the scan and leaves nothing behind', async () => {
    const controller = new AbortController();
    const before = descriptors();
    const scan = scanTogether(trees.source, installed, { isSlow, namesAtMost: 4 }, controller.signal);
    setTimeout(() => controller.abort(new Error('interrupted')), 5);
    await expect(scan).rejects.toThrow('interrupted');
    expect(descriptors()).toBe(before);
  });
});

describe('directories that cannot be read, and what is gone', () => {
  let own: TwoTrees;
  beforeEach(() => {
    own = makeTwoTrees();
    chmodSync(own.top, 0o755);
  });
  afterEach(() => own.remove());
  const at = (name: string) => `${own.source}/${name}`;

  test.each([true, false])('an ordinary user is told what is closed to him (slow: %s)', async (isSlow) => {
    for (let i = 0; i < 60; i++) {
      mkdirSync(at(`${i}`));
      writeFileSync(at(`${i}/closed`), 'x', { mode: 0o600 });
      writeFileSync(at(`${i}/open`), 'x', { mode: 0o644 });
      chmodSync(at(`${i}`), i % 3 === 0 ? 0o700 : i % 3 === 1 ? 0o744 : 0o755);
    }
    chownSync(own.source, ordinaryUser, ordinaryUser);
    const program = await buildChild<ScanWork, { alone: Scanned; together: Scanned }>('scan-child');
    const ways = { isSlow, probe: true, namesAtMost: 8 };
    const { alone, together } = await program.run({ source: own.source, installed, ways });
    program.remove();
    expect(together).toEqual(alone);
    if (process.getuid?.() === 0) expect(together.totals.unreadable).toBe(20 + 40 + 20);
  });

  test.each([true, false])('symlinks are followed in the same order (slow: %s)', async (isSlow) => {
    for (let i = 0; i < 20; i++) {
      mkdirSync(at(`${i}`));
      for (let j = 0; j < 5; j++) writeFileSync(at(`${i}/${j}`), 'xy');
      symlinkSync(`../${(i + 1) % 20}`, at(`${i}/next`));
      symlinkSync('0', at(`${i}/same`));
      symlinkSync('nowhere', at(`${i}/dangling`));
    }
    mkdirSync(`${own.top}/outside`);
    writeFileSync(`${own.top}/outside/far`, 'x');
    symlinkSync(`${own.top}/outside`, at('out'));
    const ways = { isSlow, followsSymlinks: true, probe: true, namesAtMost: 8 };
    const alone = scanAlone(own.source, ways);
    expect(await scanTogether(own.source, installed, ways)).toEqual(alone);
    expect(alone.tape).toContain('["d","out"]');
    // From each of the 20 directories all round the circle, once
    expect(alone.tape.match(/ELOOP/g)).toHaveLength(20);
    expect(alone.totals).toMatchObject({ directories: 2 + 20 * 20, files: 1 + 20 * 20 * 6, unreadable: 420 });
  });

  test.each([true, false])('what vanishes before its turn is left out (slow: %s)', async (isSlow) => {
    for (const name of ['first', 'second', 'third']) mkdirSync(at(name));
    const expected = scanAlone(own.source);
    const last = expected.tape.trim().split('\n').at(-2)!;
    const path = (JSON.parse(last) as string[])[1]!;
    let chunks = 0;
    const onChunk = () => {
      if (chunks++ === 0) rmdirSync(at(path));
    };
    // One stretch at a time, the last of which is that directory
    const { tape } = await scanTogether(own.source, installed, {
      isSlow,
      threads: 0,
      namesAtMost: 1,
      onChunk,
    });
    expect(tape).toBe(scanAlone(own.source).tape);
    expect(tape).not.toContain(path);
  });
});

test('a thread that cannot start is an error', async () => {
  await expect(scanTogether(trees.source, '/nowhere', { namesAtMost: 1 })).rejects.toThrow(
    'Cannot find module',
  );
});
