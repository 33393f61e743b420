import { execFileSync } from 'node:child_process';
import { isComplete } from '../../core/model/account.ts';
import { exitCodes } from '../../core/model/errors.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { listJournals, readJournal } from '../../core/run/journal-reader.ts';
import { accountOfRun, type RunState, readRunState } from '../../core/run/run-state.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';
import { toBytes } from '../helpers/tree.ts';
import type { PreparedRun, WorkerEnd } from './prepared-run.ts';
import { type EntryFacts, readFacts } from './tree-facts.ts';

type Facts = ReadonlyMap<string, EntryFacts>;
/** Both trees as they are, and what stood at the destination before. */
export type Trees = { readonly source: string; readonly destination: string; readonly older?: Facts };
export type Ends = { readonly tasks: readonly WorkerEnd[]; readonly finish: WorkerEnd };

/** What is wrong after a fault, in words: of names that are not whole, of records and of exit codes that are not true. */
export async function faultsAfterFault(run: PreparedRun, trees: Trees, ends: Ends): Promise<string[]> {
  const [source, destination] = [readFacts(trees.source), readFacts(trees.destination)];
  const state = await readRunState(run.paths, run.plan);
  const isEqual = differencesOf(source, destination).length === 0;
  return [
    ...tornNames(source, destination, trees.older),
    ...falseRecords(run, state, source, destination),
    ...(await dishonestTasks(run, ends.tasks)),
    ...dishonestFinish(ends.finish, isComplete(accountOfRun(run.plan, state)), isEqual),
  ];
}

/**
 * What is wrong when the power was cut: of records that are not true, and of what a retry would take for a copy that it is
 * not. What is in no record may be missing, empty or short.
 */
export async function faultsAfterCut(run: PreparedRun, trees: Trees): Promise<string[]> {
  const [source, destination] = [readFacts(trees.source), readFacts(trees.destination)];
  const state = await readRunState(run.paths, run.plan);
  const misleading = [...destination].filter(([path, { isDirectory, likeness, whole }]) => {
    const original = source.get(path);
    return !isDirectory && likeness === original?.likeness && whole !== original.whole;
  });
  return [
    ...falseRecords(run, state, source, destination),
    ...misleading.map(([path, { whole }]) => `${path} looks like a copy and is ${whole}`),
  ];
}

/** What is wrong when a retry without a fault has come to its end. */
export async function faultsAfterRetry(run: PreparedRun, trees: Trees, ends: Ends): Promise<string[]> {
  const [source, destination] = [readFacts(trees.source), readFacts(trees.destination)];
  const account = accountOfRun(run.plan, await readRunState(run.paths, run.plan));
  const { rsync, twice } = { rsync: rsyncOf(trees), twice: await recordedTwice(run) };
  return [
    ...[...ends.tasks, ends.finish]
      .filter(({ code }) => code !== 0)
      .map(({ code, errors }) => `the retry ended with ${code}: ${errors}`),
    ...differencesOf(source, destination),
    ...(isComplete(account) ? [] : [`the account after the retry is ${JSON.stringify(account)}`]),
    ...(rsync === '' ? [] : [`rsync would still do ${rsync}`]),
    ...twice.map((ordinal) => `entry ${ordinal} was recorded by two workers`),
  ];
}

/** Temporary names too are differences. */
function differencesOf(source: Facts, destination: Facts): string[] {
  const paths = new Set([...source.keys(), ...destination.keys()]);
  return [...paths].flatMap((path) => {
    const [mine, theirs] = [source.get(path), destination.get(path)];
    if (mine?.whole === theirs?.whole && mine?.firstName === theirs?.firstName) return [];
    return [`${path} is ${JSON.stringify(theirs)} and not ${JSON.stringify(mine)}`];
  });
}

/** Whatever has a final name is all that the source has under it, or what was there before. */
function tornNames(source: Facts, destination: Facts, older: Facts = new Map()): string[] {
  return [...destination].flatMap(([path, { isDirectory, whole }]) => {
    if (isDirectory || /\/\.bcopy\.r1\.[^/]*$/.test(path)) return [];
    const isWhole = whole === source.get(path)?.whole || whole === older.get(path)?.whole;
    return isWhole ? [] : [`${path} is torn: ${whole} and not ${source.get(path)?.whole}`];
  });
}

/** What a journal says is done is at the destination. */
function falseRecords(run: PreparedRun, state: RunState, source: Facts, destination: Facts): string[] {
  const tape = new TapeReader(run.paths);
  try {
    return [...tape.between(0, run.plan.totals.entries)].flatMap(({ ordinal, entry, path: name }) => {
      if (entry.kind === 'directory' || entry.kind === 'link') return [];
      const isDone = state.finish.files.has(ordinal) || state.shards.some((shard) => shard.done.has(ordinal));
      const path = `./${toBytes(name).toString('latin1')}`;
      const isThere = destination.get(path)?.whole === source.get(path)?.whole;
      return isDone && !isThere ? [`${path} is recorded and is not there`] : [];
    });
  } finally {
    tape.close();
  }
}

async function dishonestTasks(run: PreparedRun, tasks: readonly WorkerEnd[]): Promise<string[]> {
  const state = await readRunState(run.paths, run.plan);
  const ended = await journalEnds(run);
  return tasks.flatMap(({ code, errors }, shard) => {
    const work = state.shards[shard]!.hasWorkLeft(run.plan.shards[shard]!, (ordinal) =>
      state.finish.files.has(ordinal),
    );
    const end = ended.get(shard);
    const isHonest = code === null ? end === undefined : (code === 0) === (!work && end === 'complete');
    const complaint = `task ${shard} ended with ${code}, its journal with ${end}, work left: ${work}: ${errors}`;
    return isHonest && code !== exitCodes.bug ? [] : [complaint];
  });
}

function dishonestFinish({ code, errors }: WorkerEnd, closes: boolean, isEqual: boolean): string[] {
  const complaint = `finish ended with ${code}, the account is complete: ${closes}, the trees are equal: ${isEqual}: ${errors}`;
  if (code === exitCodes.bug) return [complaint];
  const isHonest = code === null ? isEqual || !closes : (code === 0) === (closes && isEqual);
  return isHonest && (isEqual || !closes) ? [] : [complaint];
}

/** The reason in the last line of each shard's newest journal; undefined where there is none. */
async function journalEnds(run: PreparedRun): Promise<Map<number | 'finish', string | undefined>> {
  const ends = new Map<number | 'finish', string | undefined>();
  for (const { file, name } of await listJournals(run.paths)) {
    const last: JournalLine | undefined = [...readJournal(file)].at(-1);
    ends.set(name.shard, last?.type === 'end' ? last.reason : undefined);
  }
  return ends;
}

async function recordedTwice(run: PreparedRun): Promise<number[]> {
  const [seen, twice] = [new Set<number>(), new Set<number>()];
  for (const { file, name } of await listJournals(run.paths)) {
    if (name.shard === 'finish') continue;
    for (const line of readJournal(file)) {
      if (line.type !== 'done') continue;
      for (let ordinal = line.from; ordinal < line.to; ordinal++) {
        if (seen.has(ordinal)) twice.add(ordinal);
        seen.add(ordinal);
      }
    }
  }
  return [...twice];
}

function rsyncOf({ source, destination }: Trees): string {
  const words = ['-aHAXn', '--checksum', '--delete', '--itemize-changes', '--filter=-x trusted.SGI_ACL_*'];
  return execFileSync('rsync', [...words, `${source}/`, `${destination}/`], { encoding: 'utf8' });
}
