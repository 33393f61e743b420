import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bcopyProgram, labels } from './launch.ts';
import { type Command, hasProgram, measure, spreadOf } from './measure.ts';
import { type Phases, phasesOf } from './phases.ts';
import { mountSlow, type SlowFileSystem } from './slow-file-system.ts';
import { makeSmallFiles } from './workloads.ts';

/**
 * Measures bcopy beside cp and rsync where each request of the file system takes 5 ms: BENCH_LATENCY is another time in
 * ms, BENCH_RUNS the number of rounds (1), BENCH_SCALE=0.1 makes the tree smaller than 2,000 files in 100 directories.
 */
const latencyMs = Number(process.env.BENCH_LATENCY || 5);
const rounds = Number(process.env.BENCH_RUNS || 1);
const files = Math.max(1, Math.round(20 * Number(process.env.BENCH_SCALE || 1)));
const wanted = 20;

const mounted = await mountSlow(latencyMs);
if (typeof mounted === 'string') {
  console.log(`skipped: LATENCY: ${mounted}`);
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  await bench(mounted).finally(mounted.unmount);
}

async function bench(slow: SlowFileSystem): Promise<void> {
  makeSmallFiles(join(slow.behind, 'source'), 100, files);
  console.log(`## LATENCY: ${100 * files} files of 4 KiB in 100 directories, ${latencyMs} ms a request\n`);
  console.log('| command | wall s | min-max | requests | most at once | scan | workers | finish |');
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|');
  const medians = new Map<string, number>();
  for (const command of commands(slow)) medians.set(command.label, await benchOne(slow, command));
  const [ours, cp] = [labels.whole, labels.cp].map((label) => medians.get(label) ?? Number.NaN);
  const ratio = cp! / ours!;
  console.log(`\nLATENCY ${labels.cp} / whole command: ${ratio.toFixed(1)} (wanted >= ${wanted})`);
  if (ratio < wanted) console.log('missed');
}

function commands({ path }: SlowFileSystem): Command[] {
  const [source, destination] = [`${path}/source`, `${path}/copy`];
  // By its first line, which sets the size of the pool that the scan waits with
  const words = ['-s', source, '-d', destination, '--scheduler', 'local', '--wait'];
  const all = [
    {
      label: labels.whole,
      program: bcopyProgram,
      words: [...words, '--workers', '8', '--threads', '4'],
    },
    { label: 'bcopy, adaptive', program: bcopyProgram, words: [...words, '--workers', '8'] },
    { label: labels.cp, program: 'cp', words: ['-a', source, destination] },
    { label: labels.rsync, program: 'rsync', words: ['-a', `${source}/`, `${destination}/`] },
  ];
  return all.filter(({ program }) => hasProgram(program));
}

/** The median of its runs. */
async function benchOne(slow: SlowFileSystem, command: Command): Promise<number> {
  const runs: { seconds: number; phases: Phases | undefined }[] = [];
  slow.forget();
  for (let round = 0; round < rounds; round++) runs.push(await run(slow, command));
  const { median, min, max } = spreadOf(runs.map(({ seconds }) => seconds));
  const { requests, most } = slow.statistics();
  const phases = runs.at(-1)?.phases;
  const of = (phase: keyof Phases) => phases?.[phase].toFixed(2) ?? '-';
  const spread = `${min.toFixed(2)}-${max.toFixed(2)}`;
  const counts = `${Math.round(requests / rounds)} | ${most}`;
  console.log(
    `| ${command.label} | ${median.toFixed(2)} | ${spread} | ${counts} | ${of('scan')} | ${of('workers')} | ${of('finish')} |`,
  );
  return median;
}

/** With nothing of the source in the kernel's memory of names. */
async function run(
  slow: SlowFileSystem,
  command: Command,
): Promise<{ seconds: number; phases: Phases | undefined }> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-latency-'));
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('BCOPY_'));
  const state = { XDG_CONFIG_HOME: directory, XDG_STATE_HOME: directory };
  try {
    mkdirSync(join(directory, 'work'));
    await sleep(1100);
    const environment = {
      ...Object.fromEntries(kept),
      ...state,
      BCOPY_LOCAL_STATE: join(directory, 'jobs'),
    };
    const begunAt = Date.now();
    const { seconds } = measure(command, join(directory, 'work'), environment);
    return { seconds, phases: phasesOf(join(directory, 'work'), begunAt) };
  } finally {
    rmSync(join(slow.behind, 'copy'), { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}
