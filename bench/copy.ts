import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findAccounting } from './accounting.ts';
import { type Contestant, findContestants } from './contestants.ts';
import { type CopySummary, formatCopyTable, summarizeCopies } from './copy-report.ts';
import { type CopyRun, killRunning, runCopy, sync } from './copy-run.ts';
import { writeFloorList } from './floor-list.ts';
import { availableMemory, GiB, readAll, scaleThatFits, touchMemory } from './machine.ts';
import { shuffled } from './measure.ts';
import { formatCount } from './report.ts';
import { formatTargets } from './targets.ts';
import { type Size, Volumes } from './volume.ts';
import { type Workload, workloads } from './workloads.ts';

/**
 * Measures bcopy beside its peers. BENCH_SCALE=0.1 makes every workload smaller, BENCH_RUNS is the number of rounds
 * (5), BENCH_ONLY=SMALL,BIG chooses workloads, BENCH_ROWS=bcopy,floor rows, --json FILE or BENCH_JSON keeps the figures, TMPDIR is where it works.
 */
const wantedScale = positive('BENCH_SCALE', 1);
const rounds = Math.ceil(positive('BENCH_RUNS', 5));
const only = (process.env.BENCH_ONLY || workloads.map(({ name }) => name).join(',')).split(',');
/** Parts of labels; rows without any of them are left out. */
const rows = (process.env.BENCH_ROWS || '').split(',');
const { json = process.env.BENCH_JSON } = parseArgs({ options: { json: { type: 'string' } } }).values;
const unknown = only.find((name) => !workloads.some((workload) => workload.name === name));
if (unknown !== undefined) throw new Error(`BENCH_ONLY: there is no workload ${unknown}`);

const scratch = mkdtempSync(join(tmpdir(), 'bcopy-bench-'));
let volumes: Volumes | undefined;
process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const accounting = findAccounting();
volumes = new Volumes(scratch);
const contestants = findContestants(scratch);
const environment = ownEnvironment();
/** What did not go as it should, told again at the end. */
const troubles: string[] = [];

console.log(`destination: ${volumes.how}\nCPU time: ${accounting.how}`);
for (const { label, missing } of contestants) if (missing) console.log(`skipped: ${label} (${missing})`);
touchMemory(scratch);
const summaries: CopySummary[] = [];
for (const workload of workloads)
  if (only.includes(workload.name)) summaries.push(...(await bench(workload)));
if (json) keepFigures(json);
if (troubles.length > 0) console.log(`\n${troubles.join('\n')}`);

type Place = { readonly source: string; readonly list: string; readonly size: Size };
type Entrant = { readonly one: Contestant; readonly runs: CopyRun[] };

async function bench(workload: Workload): Promise<CopySummary[]> {
  const { scale, note } = scaleThatFits(scratch, wantedScale, workload.size);
  if (note !== undefined) tell(`${workload.name}: ${note}`);
  if (scale === 0) return [];
  console.log(`\n## ${workload.name}${scale === 1 ? '' : `, scale ${scale}`}: ${workload.about}\n`);
  const place = makeSource(workload, scale);
  const chosen = contestants.filter(({ label }) => rows.some((part) => label.includes(part)));
  const entrants = chosen.filter(({ missing }) => !missing).map((one) => ({ one, runs: [] }));
  if (place.size.bytes * 2 > availableMemory())
    tell(`${workload.name}: source and copy do not fit in memory together`);
  const start = performance.now();
  await runRounds(workload.name, entrants, place);
  rmSync(place.source, { recursive: true });
  volumes!.clear();
  console.log(`${rounds} rounds in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  const measured = entrants.filter(({ runs }) => runs.length > 0);
  const done = measured.map(({ one, runs }) =>
    summarizeCopies({ workload: workload.name, label: one.label, runs }),
  );
  console.log(`${formatCopyTable(done)}\n`);
  for (const line of formatTargets(workload.name, done)) console.log(line);
  return done;
}

/** Each round runs every command once, in another order; the first round warms up, is compared and does not count. */
async function runRounds(workload: string, entrants: Entrant[], place: Place): Promise<void> {
  const out = new Set<Entrant>();
  for (let round = 0; round <= rounds; round++) {
    for (const entrant of shuffled(entrants.filter((candidate) => !out.has(candidate)))) {
      try {
        const run = await runOnce(entrant.one, place, round === 0 ? workload : undefined);
        if (round > 0) entrant.runs.push(run);
      } catch (error) {
        out.add(entrant);
        if (entrant.one.isOurs) process.exitCode = 1;
        tell(`${workload}: ${entrant.one.label} failed: ${(error as Error).message}`);
      }
    }
  }
}

/** One run on a fresh volume; with `comparedIn`, the copy is compared with the source afterwards. */
async function runOnce(one: Contestant, place: Place, comparedIn: string | undefined): Promise<CopyRun> {
  const directory = join(scratch, 'work');
  mkdirSync(directory);
  try {
    const volume = volumes!.open(place.size);
    const destination = join(volume, 'copy');
    const where = { accounting, directory, environment, ...place, destination };
    const { command, options } = await one.launch({ ...where, volume });
    readAll(place.source);
    for (const path of [scratch, volume]) sync(path);
    const run = await runCopy(command, { ...options, volume });
    if (comparedIn !== undefined) compare(one, place.source, destination, comparedIn);
    return run;
  } finally {
    volumes!.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function compare(one: Contestant, source: string, destination: string, workload: string): void {
  if (one.leavesOut !== undefined) return;
  const words = ['-aHn', '--delete', '--itemize-changes', `${source}/`, `${destination}/`];
  const { status, stdout, error } = spawnSync('rsync', words, { encoding: 'utf8', maxBuffer: GiB });
  const lines = (stdout ?? '').split('\n').filter(Boolean);
  if (error !== undefined) {
    tell(`${workload}: ${one.label} is not compared: ${error.message}`);
    return;
  }
  if (status === 0 && lines.length === 0) return;
  if (one.isOurs) process.exitCode = 1;
  const count = formatCount(lines.length);
  tell(`${workload}: ${one.label} differs from the source: ${count} times, first ${lines[0]}`);
}

function tell(trouble: string): void {
  console.log(trouble);
  troubles.push(trouble);
}

function makeSource({ name, make, size }: Workload, scale: number): Place {
  const start = performance.now();
  const [source, list] = [join(scratch, name), join(scratch, `${name}.list`)];
  make(source, scale);
  const { entries, leftOut } = writeFloorList(source, list);
  const took = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`made ${formatCount(entries)} entries in ${took} s`);
  if (leftOut > 0) console.log(`the floor leaves out ${leftOut} special files`);
  return { source, list, size: { bytes: size(scale).bytes, entries } };
}

/** What the user has set for bcopy does not count here, and nothing is left in the user's state. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(BCOPY_|RCLONE_|RSYNC_|TAR_)/.test(name));
  const state = { XDG_CONFIG_HOME: scratch, XDG_STATE_HOME: scratch, XDG_CACHE_HOME: scratch };
  return { ...Object.fromEntries(kept), ...state, BCOPY_LOCAL_STATE: join(scratch, 'jobs') };
}

function keepFigures(file: string): void {
  const figures = { node: process.version, scale: wantedScale, rounds, troubles, summaries };
  writeFileSync(file, `${JSON.stringify(figures, null, 1)}\n`);
}

function cleanUp(): void {
  killRunning();
  volumes?.close();
  spawnSync('rm', ['-rf', '--one-file-system', scratch]);
}

function positive(name: string, otherwise: number): number {
  const value = Number(process.env[name] || otherwise);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}
