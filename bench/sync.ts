import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findAccounting } from './accounting.ts';
import { type CopyRun, killRunning, runCopy } from './copy-run.ts';
import { type Command, shuffled, spreadOf } from './measure.ts';
import { formatCount } from './report.ts';
import { makeTree } from './tree.ts';

/**
 * A second run over a tree of 1,000,000 entries that bcopy has copied: bcopy, one worker of two threads,
 * beside rsync -a, the whole command each, given where the copy was. There to be seen are a later run, which knows what an earlier has looked at; a bcopy that was never run
 * there, and so asks for all attributes; one that looks at no more than rsync -a; and rsync -aHAX, which looks at as much. BENCH_SCALE=0.1 makes the tree smaller,
 * BENCH_TREE=DIRECTORY takes that one, BENCH_RUNS is the number of rounds (5), --json FILE or BENCH_JSON keeps the figures, TMPDIR is where it works.
 */
const scale = positive('BENCH_SCALE', 1);
const rounds = Math.ceil(positive('BENCH_RUNS', 5));
const { json = process.env.BENCH_JSON } = parseArgs({ options: { json: { type: 'string' } } }).values;
const entries = Math.max(1, Math.round(1_000_000 * scale));
const target = { ratio: 1, megabytes: 200 };

const scratch = mkdtempSync(join(tmpdir(), 'bcopy-bench-'));
const given = process.env.BENCH_TREE;
const [source, destination] = [given || join(scratch, 'source'), join(scratch, 'destination')];
process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const bcopy = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const how = ['--scheduler', 'local', '--workers', '1', '--threads', '2', '--wait'];
const rsync: Command = {
  label: 'rsync -a',
  program: 'rsync',
  words: ['-a', `${source}/`, `${destination}/`],
};
const thorough: Command = { ...rsync, label: 'rsync -aHAX', words: ['-aHAX', ...rsync.words.slice(1)] };
const ours: Command = {
  label: 'bcopy',
  program: bcopy,
  words: ['-s', source, '-d', destination, ...how],
};
const later: Command = { ...ours, label: 'bcopy, later' };
const first: Command = { ...ours, label: 'bcopy, first look' };
const lenient: Command = {
  ...ours,
  label: 'bcopy as -a',
  words: [...ours.words, '--no-preserve', 'xattr,acl,links'],
};
const accounting = findAccounting();
const environment = ownEnvironment();

if (!given) makeTree(source, entries);
const copies = join(scratch, ours.label, '.bcopy');
copyTree();
const [copied] = readdirSync(copies);
spawnSync('cp', ['-a', join(scratch, ours.label), join(scratch, later.label)], { stdio: 'inherit' });
spawnSync('sync');
const what = given ? `what is in ${given}` : `${formatCount(entries)} entries`;
console.log(`${what}, the same at both sides; CPU time: ${accounting.how}`);
console.log(
  'compared: type, size, mtime, mode, owner; by bcopy and rsync -aHAX also attributes, ACLs, hard links',
);
const results = [rsync, ours, later, first, lenient, thorough].map((command) => ({
  command,
  runs: [] as CopyRun[],
}));
// The first round warms up and does not count
for (let round = 0; round <= rounds; round++) {
  for (const { command, runs } of shuffled(results)) {
    const run = await runOnce(command);
    if (round > 0) runs.push(run);
  }
}
tell();
if (json) writeFileSync(json, `${JSON.stringify({ node: process.version, entries, results }, null, 1)}\n`);

/** The copy that second runs come after. */
function copyTree(): void {
  const cwd = join(scratch, ours.label);
  mkdirSync(cwd);
  const { status } = spawnSync(bcopy, ours.words, {
    cwd,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('bcopy has not copied all');
}

/** Each command has a directory of its own, which stays with what is in it; the second run has only the copy before it, and the first look nothing. */
async function runOnce(command: Command): Promise<CopyRun> {
  const directory = join(scratch, command.label);
  if (command === first) rmSync(directory, { recursive: true, force: true });
  if (command === ours)
    for (const run of readdirSync(copies)) if (run !== copied) rmSync(join(copies, run), { recursive: true });
  mkdirSync(directory, { recursive: true });
  // Of what was removed here the disk hears before, not meanwhile
  spawnSync('sync');
  const run = await runCopy(command, { accounting, directory, environment, volume: destination });
  if (command.program === bcopy) expectNothing(directory);
  return run;
}

/** A run that copies anything is no second run. */
function expectNothing(directory: string): void {
  const log = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1);
  const text = log === undefined ? 'there is no log' : readFileSync(join(directory, log), 'utf8');
  if (!/^copied +0 +0$/m.test(text)) throw new Error(`bcopy has copied something:\n${text}`);
}

function tell(): void {
  const medians = results.map(({ command, runs }) => {
    const [seconds, cpu] = [spreadOf(runs.map((run) => run.seconds)), spreadOf(runs.map((run) => run.cpu))];
    const megabytes = spreadOf(runs.map((run) => run.megabytes));
    const [from, to] = [seconds.min, seconds.max].map((value) => value.toFixed(2));
    const words = `${seconds.median.toFixed(2)} s (${from} to ${to}), CPU ${cpu.median.toFixed(2)} s`;
    console.log(`${command.label.padEnd(17)}  ${words}, largest process ${megabytes.max.toFixed(0)} MB`);
    return { seconds: seconds.median, megabytes: megabytes.max };
  });
  const ratio = medians[1]!.seconds / medians[0]!.seconds;
  const isMet = ratio <= target.ratio && medians[1]!.megabytes <= target.megabytes;
  console.log(
    `${isMet ? 'met' : 'MISSED'}: ${ratio.toFixed(2)} of rsync's time (at most ${target.ratio}), at most ${target.megabytes} MB`,
  );
}

/** What the user has set for bcopy does not count here, and nothing is left in the user's state. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(BCOPY_|RSYNC_)/.test(name));
  const state = { XDG_CONFIG_HOME: scratch, XDG_STATE_HOME: scratch, XDG_CACHE_HOME: scratch };
  return { ...Object.fromEntries(kept), ...state, BCOPY_LOCAL_STATE: join(scratch, 'jobs') };
}

function cleanUp(): void {
  killRunning();
  spawnSync('rm', ['-rf', '--one-file-system', scratch]);
}

function positive(name: string, otherwise: number): number {
  const value = Number(process.env[name] || otherwise);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}
