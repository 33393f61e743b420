import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultResult } from './fault-file-system.ts';
import { faultSeed, isFull, onlyMode, sweep } from './places.ts';
import { prepareRun } from './prepared-run.ts';
import { makeSmallTree } from './small-tree.ts';
import { copyWithFault, type Round } from './sweep.ts';

/** What a worker changes the destination with; on this file system a file has no name until it is whole. */
const changes =
  'linkat,renameat,renameat2,symlinkat,mknodat,mkdirat,unlinkat,pwrite64,copy_file_range,sendfile,' +
  'ftruncate,fchmod,fchmodat,fchown,fchownat,utimensat,fsetxattr,lsetxattr,fremovexattr,lremovexattr,syncfs';

/** What waits for passing faults takes its time. */
const modes = [
  { name: 'SIGKILL at a system call', calls: `${changes},write,fsync,rename`, what: 'signal=SIGKILL' },
  ...(isFull ? [{ name: 'EIO of a system call', calls: changes, what: 'error=EIO' }] : []),
  { name: 'ENOSPC of a system call', calls: changes, what: 'error=ENOSPC' },
];

const traced = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
if (!traced) console.log('skipped: faults of system calls: strace cannot trace here');

describe.skipIf(!traced)(`a fault of one system call (FAULT_SEED=${faultSeed})`, () => {
  const top = mkdtempSync(join(tmpdir(), 'bcopy-calls-'));
  const source = join(top, 'src');
  beforeAll(() => makeSmallTree(source));
  afterAll(() => rmSync(top, { recursive: true, force: true }));

  it.each(modes.filter(({ name }) => onlyMode === undefined || onlyMode === name))(
    '$name: nothing torn, an honest exit, and a retry makes the trees equal',
    async ({ name, calls, what }) => {
      const players = ['a', 'b'].map(
        (place) => (at: number) => oneRound(place, calls, `${what}:when=${at}`, at),
      );
      const { struck, wrong } = await sweep(name, players);
      expect(wrong).toEqual([]);
      expect(struck).toBeGreaterThan(0);
    },
    3_600_000,
  );

  /** Task and finish are struck at their own N-th call. */
  async function oneRound(place: string, calls: string, what: string, at: number): Promise<Round> {
    const [destination, log] = [join(top, place), join(top, `${place}.calls`)];
    rmSync(destination, { recursive: true, force: true });
    mkdirSync(destination);
    writeFileSync(log, '');
    const run = await prepareRun({ source, destination, shards: 1, sync: 'checkpoint' });
    const under = [
      'strace',
      '-f',
      '-qq',
      '-A',
      '-o',
      log,
      '-e',
      `trace=${calls}`,
      '-e',
      `inject=${calls}:${what}`,
    ];
    try {
      const done = await copyWithFault(run, { source, destination }, () => readLog(log), { under });
      return { at, ...done };
    } finally {
      run.remove();
    }
  }
});

function readLog(log: string): FaultResult {
  const lines = readFileSync(log, 'latin1').split('\n');
  const struck = lines.filter((line) => /\(INJECTED\)|\+\+\+ killed by SIGKILL|--- SIGKILL/.test(line));
  return { count: Math.floor(lines.length / 2), happened: struck.length, what: struck[0] ?? '' };
}
