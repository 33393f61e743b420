import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, FaultFileSystem, FaultResult } from './fault-file-system.ts';
import { mountFaulty } from './fault-file-system.ts';
import { type Circumstances, type PreparedRun, prepareRun, type WorkerEnd } from './prepared-run.ts';
import { type Ends, faultsAfterFault, faultsAfterRetry, type Trees } from './verdict.ts';

/** What goes wrong, where, and in which copy. */
export type Mode = Omit<Fault, 'at'> & {
  readonly name: string;
  readonly on: 'source' | 'destination';
  /** Fills the source. */
  readonly tree: (path: string) => Promise<void>;
  readonly shards: number;
  /** Left out: as many as usual. */
  readonly tries?: number;
};

/** Two faulty file systems with a tree to copy from one to the other; one fault at a time. */
export type Lane = {
  readonly source: FaultFileSystem;
  readonly destination: FaultFileSystem;
  /** Puts a tree in the place of the last. */
  readonly fill: (tree: Mode['tree']) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type Round = FaultResult & { readonly at: number; readonly complaints: readonly string[] };

/** Mounts what is needed, or says in words why that cannot be. */
export async function openLane(): Promise<Lane | string> {
  const source = await mountFaulty();
  if (typeof source === 'string') return source;
  const destination = await mountFaulty();
  if (typeof destination === 'string') return destination;
  const fill: Lane['fill'] = async (tree) => {
    rmSync(join(source.behind, 'src'), { recursive: true, force: true });
    await tree(join(source.behind, 'src'));
  };
  const close = async () => {
    await source.unmount();
    await destination.unmount();
  };
  return { source, destination, fill, close };
}

/** One copy with a fault at operation `at`, a look at what came of it, a retry without a fault, and a look at that. */
export async function oneRound(lane: Lane, mode: Mode, at: number): Promise<Round> {
  const destination = join(lane.destination.behind, 'dst');
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination);
  chmodSync(destination, 0o755);
  const trees = { source: join(lane.source.behind, 'src'), destination };
  const run = await prepareRun({
    // What does not go wrong is not looked at through FUSE: that takes longer
    source: mode.on === 'source' ? join(lane.source.path, 'src') : trees.source,
    destination: mode.on === 'destination' ? join(lane.destination.path, 'dst') : trees.destination,
    shards: mode.shards,
    sync: 'file',
    tries: mode.tries,
  });
  try {
    lane[mode.on].set({ ...mode, at });
    return { at, ...(await copyWithFault(run, trees, () => lane[mode.on].heal())) };
  } finally {
    lane[mode.on].heal();
    run.remove();
  }
}

/** A first attempt, which a fault strikes, until `end` says what it did; what is wrong then, and after a retry. */
export async function copyWithFault(
  run: PreparedRun,
  trees: Trees,
  end: () => FaultResult,
  how?: Circumstances,
): Promise<Omit<Round, 'at'>> {
  const ends = await attempt(run, 1, how);
  const result = end();
  const complaints = await faultsAfterFault(run, trees, ends);
  const again = isDone(ends) ? ends : await attempt(run, 2);
  complaints.push(...(await faultsAfterRetry(run, trees, again)));
  return { ...result, complaints };
}

const isDone = ({ tasks, finish }: Ends) => [...tasks, finish].every(({ code }) => code === 0);

async function attempt(run: PreparedRun, number: number, how?: Circumstances): Promise<Ends> {
  const tasks: WorkerEnd[] = [];
  for (const shard of run.plan.shards.keys()) tasks.push(await run.task(number, shard, how));
  return { tasks, finish: await run.finish(number, how) };
}
