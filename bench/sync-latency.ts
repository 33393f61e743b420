import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bcopyProgram, labels } from './launch.ts';
import { type Command, hasProgram, measure, spreadOf } from './measure.ts';
import { phasesOf } from './phases.ts';
import { mountSlow, type SlowFileSystem } from './slow-file-system.ts';
import { makeSmallFiles } from './workloads.ts';

/**
 * A second run over 2,000 files in 100 directories where each request of the file system takes 5 ms: bcopy, 8 workers of 4
 * threads, beside rsync -a. BENCH_LATENCY is another time in ms, BENCH_RUNS the number of rounds (3), BENCH_SCALE as in sync.ts.
 */
const latencyMs = Number(process.env.BENCH_LATENCY || 5);
const rounds = Number(process.env.BENCH_RUNS || 3);
const files = Math.max(1, Math.round(20 * Number(process.env.BENCH_SCALE || 1)));
const wanted = 20;

const mounted = await mountSlow(latencyMs);
if (typeof mounted === 'string') {
  console.log(`skipped: a second run where calls are slow: ${mounted}`);
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  await bench(mounted).finally(mounted.unmount);
}

async function bench(slow: SlowFileSystem): Promise<void> {
  makeSmallFiles(join(slow.behind, 'source'), 100, files);
  spawnSync('cp', ['-a', join(slow.behind, 'source'), join(slow.behind, 'copy')], { stdio: 'inherit' });
  console.log(`\n${100 * files} files in 100 directories, the same at both sides, ${latencyMs} ms a request`);
  const results = commands(slow).map((command) => ({ command, seconds: [] as number[] }));
  for (let round = 0; round < rounds; round++)
    for (const { command, seconds } of results) seconds.push(await run(slow, command));
  const medians = results.map(({ command, seconds }) => {
    const { median, min, max } = spreadOf(seconds);
    console.log(`${command.label}: ${median.toFixed(2)} s (${min.toFixed(2)} to ${max.toFixed(2)})`);
    return median;
  });
  const ratio = medians[1]! / medians[0]!;
  console.log(
    `${ratio >= wanted ? 'met' : 'MISSED'}: ${ratio.toFixed(1)} x less than rsync (at least ${wanted})`,
  );
}

function commands({ path }: SlowFileSystem): Command[] {
  const [source, destination] = [`${path}/source`, `${path}/copy`];
  const how = ['--scheduler', 'local', '--wait', '--workers', '8', '--threads', '4'];
  const all = [
    { label: labels.whole, program: bcopyProgram, words: ['-s', source, '-d', destination, ...how] },
    { label: labels.rsync, program: 'rsync', words: ['-a', `${source}/`, `${destination}/`] },
  ];
  return all.filter(({ program }) => hasProgram(program));
}

/** Seconds, with nothing of the trees in the kernel's memory of names. */
async function run(slow: SlowFileSystem, command: Command): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-latency-'));
  const kept = Object.entries(process.env).filter(([name]) => !/^(BCOPY_|RSYNC_)/.test(name));
  const state = { XDG_CONFIG_HOME: directory, XDG_STATE_HOME: directory };
  const environment = { ...Object.fromEntries(kept), ...state, BCOPY_LOCAL_STATE: join(directory, 'jobs') };
  const work = join(directory, 'work');
  try {
    mkdirSync(work);
    await sleep(1100);
    slow.forget();
    const begunAt = Date.now();
    const { seconds } = measure(command, work, environment);
    tell(slow, command, seconds, phasesOf(work, begunAt));
    if (command.program === bcopyProgram) expectNothing(work);
    return seconds;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tell(
  slow: SlowFileSystem,
  { label }: Command,
  seconds: number,
  phases: ReturnType<typeof phasesOf>,
): void {
  const { requests, most } = slow.statistics();
  const parts = Object.entries(phases ?? {}).map(([phase, taken]) => `${phase} ${taken.toFixed(2)}`);
  console.log(
    [`  ${label} ${seconds.toFixed(2)} s, ${requests} requests, ${most} at once`, ...parts].join(', '),
  );
}

/** A run that copies anything is no second run. */
function expectNothing(directory: string): void {
  const log = readdirSync(directory).find((name) => name.endsWith('.log'));
  const text = log === undefined ? 'there is no log' : readFileSync(join(directory, log), 'utf8');
  if (!/^copied +0 +0$/m.test(text)) throw new Error(`bcopy has copied something:\n${text}`);
}
