import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Reads files with cat, and by `bcopy verify --manifest` with xxh3, in turns, from the disk. BENCH_GIB is how much (8),
 * BENCH_RUNS how often (3). Ends with 1 when verify reads less than 0.8 of what cat does.
 */
const gib = Number(process.env.BENCH_GIB ?? 8);
const runs = Number(process.env.BENCH_RUNS ?? 3);
const least = 0.8;
const GiB = 2 ** 30;
const files = 8;

const scratch = mkdtempSync(join(tmpdir(), 'bcopy-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const bcopy = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const commands = {
  cat: () => run('sh', '-c', 'cat tree/* > /dev/null'),
  verify: () => run(process.execPath, bcopy, 'verify', '--manifest', 'sums', 'tree'),
  compare: () => run(process.execPath, bcopy, 'verify', '-s', 'tree', '-d', 'tree', '--no-preserve', 'times'),
};

makeFiles();
run(process.execPath, bcopy, 'manifest', 'tree', '-o', 'sums');
const cold = measure(forget);
console.log(sayRates('from the disk', cold));
process.exitCode = cold.verify >= least * cold.cat ? 0 : 1;

function makeFiles(): void {
  mkdirSync(join(scratch, 'tree'));
  const block = Buffer.alloc(64 * 2 ** 20);
  for (let file = 0; file < files; file++) {
    const fd = openSync(join(scratch, `tree/file ${file}`), 'w');
    for (let written = 0; written < (gib * GiB) / files; written += block.length) {
      block.writeDoubleLE(Math.random(), (written / 8) % 4096);
      block.fill(file + written / block.length, 4096 * 9);
      writeSync(fd, block);
    }
    closeSync(fd);
  }
}

/** The best rate of each, in GiB/s. */
function measure(before: () => void): Record<keyof typeof commands, number> {
  const best = { cat: 0, verify: 0, compare: 0 };
  for (let round = 0; round < runs; round++)
    for (const [name, command] of Object.entries(commands)) {
      before();
      const seconds = command();
      best[name as keyof typeof best] = Math.max(best[name as keyof typeof best], gib / seconds);
    }
  return best;
}

function run(program: string, ...words: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, words, { cwd: scratch, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} exits with ${status}: ${stderr}`);
  return (performance.now() - start) / 1000;
}

/** Without dirty pages, none of the files is in memory any more. */
function forget(): void {
  spawnSync('sync');
  for (let file = 0; file < files; file++)
    spawnSync('dd', [`if=${scratch}/tree/file ${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

function sayRates(where: string, { cat, verify, compare }: ReturnType<typeof measure>): string {
  const rate = (value: number) => `${value.toFixed(2)} GiB/s`;
  return `${where}: cat ${rate(cat)}, verify --manifest ${rate(verify)} (${(verify / cat).toFixed(2)} of cat), two trees ${rate(compare)} of each`;
}
