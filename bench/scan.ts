import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Command, hasProgram, hasTime, measure, type Run, shuffled } from './measure.ts';
import { formatCount, formatMemory, formatTable, type Summary, summarize } from './report.ts';
import { makeTree } from './tree.ts';

/**
 * Plans a tree of 100,000 and one of 1,000,000 entries with bcopy, beside find and fpart. BENCH_SCALE=0.1 makes
 * both smaller, BENCH_RUNS is the number of runs (5), --json FILE or BENCH_JSON keeps the figures.
 */
const scale = positive('BENCH_SCALE', 1);
const runs = Math.ceil(positive('BENCH_RUNS', 5));
const sizes = [100_000, 1_000_000].map((entries) => Math.max(1, Math.round(entries * scale)));
const { json = process.env.BENCH_JSON } = parseArgs({ options: { json: { type: 'string' } } }).values;

const scratch = mkdtempSync(join(tmpdir(), 'bcopy-bench-'));
process.on('exit', () => spawnSync('rm', ['-rf', scratch]));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const environment = ownEnvironment();
const commands = knownCommands();
if (!hasTime()) console.log('skipped: CPU time and memory (GNU time is missing)');
for (const entries of sizes) makeTreeOf(entries);
const summaries = sizes.flatMap(measureTree);

console.log(`\n${formatTable(summaries)}\n`);
const [small, large] = summaries.filter(({ label }) => label === 'bcopy --dry-run=plan') as [
  Summary,
  Summary,
];
console.log(formatMemory(small, large));
if (json) writeFileSync(json, `${JSON.stringify({ node: process.version, scale, summaries }, null, 1)}\n`);

/** The commands whose programs are here, by the tree they read. */
function knownCommands(): ((tree: string) => Command)[] {
  const bcopy = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const plan = ['--scheduler', 'local', '--dry-run=plan'];
  const all: ((tree: string) => Command)[] = [
    (tree) =>
      command('bcopy --dry-run=plan', process.execPath, bcopy, '-s', tree, '-d', 'destination', ...plan),
    (tree) => command('find -printf', 'find', tree, '-printf', '%s %T@ %p\n'),
    (tree) => command('fpart -n 8', 'fpart', '-n', '8', '-o', 'parts/part', tree),
    // As fpsync calls it: partitions are written while it goes on
    (tree) => command('fpart -L -f 2000', 'fpart', '-L', '-f', '2000', '-s', '4g', '-o', 'parts/part', tree),
  ];
  const known = all.filter((make) => hasProgram(make('').program));
  for (const make of all)
    if (!known.includes(make)) console.log(`skipped: ${make('').label} (${make('').program} is missing)`);
  return known;
}

function command(label: string, program: string, ...words: string[]): Command {
  return { label, program, words };
}

/** What the user has set for bcopy does not count here, and nothing is left in the user's state. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('BCOPY_'));
  return { ...Object.fromEntries(kept), XDG_CONFIG_HOME: scratch, XDG_STATE_HOME: scratch };
}

function treeOf(entries: number): string {
  return `tree-${entries}`;
}

function makeTreeOf(entries: number): void {
  const start = performance.now();
  makeTree(join(scratch, treeOf(entries)), entries);
  console.log(`made a tree of ${formatCount(entries)} entries in ${seconds(start)} s`);
}

/** Each round runs every command once, in another order; the first round warms up and does not count. */
function measureTree(entries: number): Summary[] {
  const start = performance.now();
  const results = commands.map((make) => ({ of: make(treeOf(entries)), runs: [] as Run[] }));
  for (let round = 0; round <= runs; round++) {
    for (const result of shuffled(results)) {
      const run = runOnce(result.of);
      if (round > 0) result.runs.push(run);
    }
  }
  console.log(`measured ${runs} runs of each on ${formatCount(entries)} entries in ${seconds(start)} s`);
  return results.map(({ of, runs }) => summarize({ label: of.label, entries, runs }));
}

function runOnce(one: Command): Run {
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  try {
    return measure(one, scratch, environment);
  } finally {
    rmSync(parts, { recursive: true });
  }
}

function seconds(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}

function positive(name: string, otherwise: number): number {
  const value = Number(process.env[name] || otherwise);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}
