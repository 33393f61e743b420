import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { isComplete } from '../../core/model/account.ts';
import { emptyTally } from '../../core/model/outcome.ts';
import { type Plan, wholeEntriesOf } from '../../core/model/plan.ts';
import type { Attempt } from '../../core/run/attempt-file.ts';
import { hasDoubts } from '../../core/run/doubt-file.ts';
import type { JournalEnd } from '../../core/run/journal-lines.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import type { JournalName, RunPaths } from '../../core/run/run-paths.ts';
import { accountOfRun, type RunState, readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import { writeSubmitted } from '../../core/run/submitted-file.ts';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import type { Storage } from '../../core/storage/storage.ts';
import { runFinish } from '../../workers/finish.ts';
import { runTask } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { pathsBelow, wrongAt, wrongAtEnd } from './destination-check.ts';
import { type Asked, type Faults, faultyStorage } from './faulty-storage.ts';
import { countByHand, type HandCount, plannedOf } from './hand-count.ts';
import { type Random, randomNumbers } from './random.ts';
import type { RandomSource, Version } from './random-source.ts';
import type { TwoTrees } from './storage-trees.ts';
import { attemptOf, infoOf, keptLog } from './task-fixture.ts';

/** What a run is made of. */
export type RunParts = {
  readonly random: Random;
  readonly source: RandomSource;
  readonly trees: TwoTrees;
  readonly paths: RunPaths;
  readonly plan: Plan;
  readonly entries: readonly PlacedEntry[];
  readonly sourceInode: string;
  /** All that is directly in the source, where that is copied as several sources. */
  readonly roots: RunInfo['roots'];
  readonly isNew: boolean;
};

/** The faults of each worker, by its pid: it opens its storage through this. */
export const faultsOf = new Map<number, (storage: Storage) => Storage>();

/** What may befall a worker; with neither it works undisturbed. */
type Ills = { readonly rate: number; readonly killAt: number; readonly stopAt: number };
const noIlls: Ills = { rate: 0, killAt: Number.POSITIVE_INFINITY, stopAt: Number.POSITIVE_INFINITY };

class Killed extends Error {}
type Ended = JournalEnd['reason'] | 'killed' | 'no sync';

const causes = ['EIO', 'EIO', 'EIO', 'ESTALE', 'EBUSY', 'EACCES', 'EACCES', 'CHANGED', 'ENOENT', 'ENOSPC'];
const job = '77';
const program = new URL('file:///not/used');

/** Runs that are beset by everything; each step is followed by a look at the books. */
export class RandomRun {
  readonly #parts: RunParts;
  #attempt = 0;
  #nextPid = 100;
  #isChanged = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** What is left to do, as --retry would ask. */
  async shardsLeft(): Promise<number[]> {
    return shardsWithWorkLeft(this.#parts.plan, await this.#state());
  }

  async attempt(isBeset: boolean): Promise<void> {
    const { plan, random, paths } = this.#parts;
    const shards = this.#attempt++ === 0 ? [...plan.shards.keys()] : await this.shardsLeft();
    mkdirSync(`${paths.attempts}/${this.#attempt}`, { recursive: true });
    const attempt: Attempt = {
      ...attemptOf(this.#attempt),
      checkpointSeconds: random(2) === 0 ? 1e-9 : 30,
      arrays: shards.length === 0 ? [] : [{ number: 0, base: 0, tasks: shards }],
    };
    if (shards.length > 0) await writeSubmitted(paths, this.#attempt, 0, job);
    for (const shard of shuffled(shards, random)) {
      if (isBeset && random(6) === 0) this.#disturb();
      await this.#task(attempt, shard, isBeset);
    }
    if (isBeset && random(6) === 0) this.#disturb();
    if (!isBeset || random(8) > 0) await this.#finishes(attempt, isBeset);
  }

  /** Attempts that nothing befalls: one is enough, or two where a divided file has changed after its parts were copied. */
  async complete(): Promise<void> {
    await this.attempt(false);
    if (this.#isChanged && !(await this.#isComplete())) await this.attempt(false);
    await this.#checkEnd();
  }

  #disturb(): void {
    const path = this.#parts.source.disturb();
    this.#isChanged ||= path !== undefined;
  }

  async #task(attempt: Attempt, shard: number, isBeset: boolean): Promise<void> {
    const { random } = this.#parts;
    const fate = isBeset ? random(10) : 9;
    const work = (restart: number, ills: Ills, isAlone = true) =>
      this.#work(attempt, this.#nameOf(shard, attempt, restart), ills, isAlone);
    if (fate === 0) return;
    if (fate === 1) await Promise.all([work(0, this.#ills(), false), work(1, this.#ills(), false)]);
    else if (fate < 5) {
      const ended = await work(0, { ...this.#ills(), killAt: random(20) });
      if (ended === 'killed' && random(2) === 0) await work(1, this.#ills());
    } else if (fate === 5) await work(0, { ...this.#ills(), stopAt: random(20) });
    else await work(0, fate < 9 ? this.#ills() : noIlls);
    await this.#check();
  }

  #nameOf(shard: number | 'finish', { attempt }: Attempt, restart: number): JournalName {
    return { shard, attempt, restart, host: 'node1', pid: this.#nextPid++ };
  }

  #ills(): Ills {
    const { random } = this.#parts;
    return { ...noIlls, rate: [0, 10, 30][random(3)]! };
  }

  async #work(attempt: Attempt, journal: JournalName, ills: Ills, isAlone: boolean): Promise<Ended> {
    const { paths } = this.#parts;
    const shard = journal.shard as number;
    const before = this.#count();
    const stop = new AbortController();
    const faults = this.#faults(ills, stop, (asked, storage) => {
      if (asked.kind === 'entry') expect(before.isSettled(shard, asked.ordinal), 'copied again').toBe(false);
      if (asked.kind === 'part') expect(this.#isPartThere(asked, storage, before), 'part again').toBe(false);
    });
    const options = { program, log: keptLog().log, signal: stop.signal };
    const ended = await this.#run(journal, faults, (context) => runTask(context, options), attempt);
    if (ended === 'killed') this.#tear(paths.journal(journal), journal);
    if (isAlone) this.#checkReason(ended, shard);
    return ended;
  }

  async #run<T>(
    journal: JournalName,
    faults: (storage: Storage) => Storage,
    work: (context: TaskContext) => Promise<T>,
    attempt: Attempt,
  ): Promise<T | 'killed' | 'no sync'> {
    const { trees, sourceInode, roots, isNew, paths, plan } = this.#parts;
    const { source, ...others } = infoOf(trees, sourceInode);
    const info: RunInfo = roots === undefined ? { ...others, source } : { ...others, roots };
    faultsOf.set(journal.pid, faults);
    const context: TaskContext = {
      paths,
      info: { ...info, destination: { ...info.destination, isNew } },
      plan,
      attempt,
      journal,
      job: journal.shard === 'finish' ? '78' : `${job}_${journal.shard}`,
      cpus: 1,
      memoryMB: undefined,
      hasDoubts: await hasDoubts(paths),
    };
    try {
      return await work(context);
    } catch (error) {
      if (error instanceof Killed) return 'killed';
      if ((error as Error).message.startsWith('cannot sync the destination')) return 'no sync';
      throw error;
    }
  }

  #faults(
    { rate, killAt, stopAt }: Ills,
    stop: AbortController,
    look: (asked: Asked, storage: Storage) => void,
  ): (storage: Storage) => Storage {
    const { source, entries } = this.#parts;
    // Of its own, so that another at the same time makes no difference
    const random = randomNumbers(this.#parts.random(2 ** 31));
    const stuck = rate > 0 ? random(40) : -1;
    let count = 0;
    return (storage) => {
      const faults: Faults = (asked) => {
        look(asked, storage);
        const number = count++;
        if (number >= killAt) throw new Killed();
        if (number >= stopAt) stop.abort();
        if (asked.kind === 'sync') return rate > 0 && random(300) < rate ? 'EIO' : undefined;
        if (asked.ordinal === stuck) return 'EIO';
        const cause = random(100) < rate ? causes[random(causes.length)] : undefined;
        if (cause === 'ENOENT' && asked.ordinal > 0) source.remove(entries[asked.ordinal]!.path);
        return cause === 'ENOENT' ? undefined : cause;
      };
      return faultyStorage(storage, faults).faulty;
    };
  }

  /** True when the journals had this part, and what they say is still so. */
  #isPartThere(
    { ordinal, part }: Extract<Asked, { kind: 'part' }>,
    storage: Storage,
    before: HandCount,
  ): boolean {
    const { plan } = this.#parts;
    const { version, temporary } = storage.dividedState(ordinal, part.path);
    return [...plan.shards.keys()].some((shard) =>
      before
        .parts(shard, ordinal)
        .some(
          (one) =>
            !one.same &&
            one.version === version &&
            one.temporary === temporary &&
            one.from <= part.from &&
            one.to >= (part.to ?? part.bytes),
        ),
    );
  }

  /** A kill leaves a torn line, or none, and sometimes a file under a temporary name. */
  #tear(file: string, { attempt, restart, pid, shard }: JournalName): void {
    const { random, trees, plan, entries } = this.#parts;
    const size = readFileSync(file).length;
    if (random(2) === 0) truncateSync(file, Math.max(0, size - random(Math.min(size, 300) + 1)));
    if (shard === 'finish' || random(2) === 0) return;
    const { from, to } = wholeEntriesOf(plan.shards[shard]!);
    const count = this.#count();
    const inHand = entries
      .slice(from, to)
      .find(({ ordinal, entry }) => entry.kind === 'file' && count.fates.get(ordinal) === undefined);
    if (inHand === undefined) return;
    const directory = `${trees.destination}/${inHand.directoryPath}`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/.bcopy.r1.${inHand.ordinal}.${attempt}-${restart}-${pid}`, 'torn');
  }

  async #finishes(attempt: Attempt, isBeset: boolean): Promise<void> {
    const { random } = this.#parts;
    const work = (restart: number, ills: Ills) =>
      this.#finish(attempt, this.#nameOf('finish', attempt, restart), ills);
    if (!isBeset) await work(0, noIlls);
    else if (random(3) > 0) await work(0, this.#ills());
    else {
      const at = random(15);
      const ills = random(3) === 0 ? { stopAt: at } : { killAt: at };
      const ended = await work(0, { ...this.#ills(), ...ills });
      if (ended === 'killed' && random(2) === 0) await work(1, this.#ills());
    }
  }

  async #finish(attempt: Attempt, journal: JournalName, ills: Ills): Promise<unknown> {
    const { paths } = this.#parts;
    const stop = new AbortController();
    const faults = this.#faults(ills, stop, () => undefined);
    const options = { program, log: keptLog().log, signal: stop.signal };
    const ended = await this.#run(journal, faults, (context) => runFinish(context, options), attempt);
    if (ended === 'killed') this.#tear(paths.journal(journal), journal);
    await this.#check();
    if (typeof ended !== 'boolean') return ended;
    expect(ended, 'finish').toBe(await this.#isComplete());
    const number = attempt.arrays.length === 0 ? '78' : job;
    const log77 = readFileSync(`${paths.root}/../../${number}.log`, 'utf8');
    expect(/^(All (\d+ )?files are|The file is) copied/m.test(log77), 'the verdict').toBe(ended);
    expect(readFileSync(`${paths.root}/../../${number}.err`, 'utf8') === '', 'JOBID.err').toBe(ended);
    return ended;
  }

  #state(): Promise<RunState> {
    return readRunState(this.#parts.paths, this.#parts.plan);
  }

  #count(): HandCount {
    const { paths, plan, entries } = this.#parts;
    return countByHand(paths, plan, entries);
  }

  async #isComplete(): Promise<boolean> {
    return isComplete(accountOfRun(this.#parts.plan, await this.#state()));
  }

  /** A task is complete exactly when nothing of its shard failed or is left. */
  #checkReason(ended: Ended, shard: number): void {
    const count = this.#count();
    const isLacking = count.isLeft(shard) || count.hasFailed(shard);
    if (ended === 'complete') expect(count.isLeft(shard), `shard ${shard} is complete`).toBe(false);
    if (ended === 'failures' || ended === 'hopeless')
      expect(isLacking, `shard ${shard} ended: ${ended}`).toBe(true);
  }

  async #check(): Promise<void> {
    const { plan, entries, trees, source } = this.#parts;
    const state = await this.#state();
    const account = accountOfRun(plan, state);
    const count = this.#count();
    for (const [name, tally] of Object.entries(account)) {
      expect(tally.entries, name).toBeGreaterThanOrEqual(0);
      expect(tally.bytes, name).toBeGreaterThanOrEqual(0);
    }
    const fated = (fate: string) => plannedOf(entries, (ordinal) => count.fates.get(ordinal) === fate);
    const there = fated('there');
    const done = emptyTally();
    for (const { entries: some, bytes } of [account.copied, account.skipped, account.linked]) {
      done.entries += some;
      done.bytes += bytes;
    }
    expect(done, 'what is there').toEqual({
      entries: there.entries + count.finished.entries,
      bytes: there.bytes + count.finished.bytes,
    });
    expect(account.failed, 'what failed').toEqual(fated('failed'));
    expect(account.vanished, 'what vanished').toEqual(fated('vanished'));
    for (const placed of entries) {
      if (count.fates.get(placed.ordinal) !== 'there') continue;
      expect(wrongAt(trees, placed, source.versionsOf(placed.path)), placed.path).toBeUndefined();
    }
    const left = shardsWithWorkLeft(plan, state);
    for (const shard of plan.shards.keys())
      if (count.isLeft(shard)) expect(left, `shard ${shard} has work left`).toContain(shard);
    if (isComplete(account))
      for (const shard of left) expect(count.isLeft(shard), 'complete, and work left').toBe(false);
  }

  /** All that a file has ever held, under any of its names. */
  #versionsOf({ path, entry }: PlacedEntry): Version[] {
    const { source, entries } = this.#parts;
    if (entry.kind !== 'link') return [...source.versionsOf(path)];
    const names = entries.filter((other) => other.entry.kind === 'link' && other.entry.first === entry.first);
    return [entries[entry.first]!, ...names].flatMap((name) => source.versionsOf(name.path));
  }

  /** What is not gone is there, and nothing else. */
  async #checkEnd(): Promise<void> {
    const { entries, trees, roots } = this.#parts;
    const count = this.#count();
    const isUnreadable = ({ ordinal, entry }: PlacedEntry) =>
      entry.kind === 'unreadable' && count.fates.get(ordinal) === 'failed';
    const hasUnreadable = entries.some(isUnreadable);
    expect(await this.#isComplete(), 'complete in the end').toBe(!hasUnreadable);
    if (!hasUnreadable) expect(await this.shardsLeft()).toEqual([]);
    const isThere = ({ ordinal, entry }: PlacedEntry) =>
      entry.kind !== 'unreadable' && count.fates.get(ordinal) !== 'vanished';
    for (const placed of entries.filter(isThere)) {
      const first = placed.entry.kind === 'link' ? entries[placed.entry.first] : undefined;
      expect(wrongAt(trees, placed, this.#versionsOf(placed)), placed.path).toBeUndefined();
      const kept = first !== undefined && isThere(first) ? first : undefined;
      const isVirtual = roots !== undefined && placed.path === '';
      if (!isVirtual) expect(wrongAtEnd(trees, placed, kept), placed.path).toBeUndefined();
    }
    const vanished = entries.filter(({ ordinal }) => count.fates.get(ordinal) === 'vanished');
    const stillThere = new Set(pathsBelow(trees.source));
    expect(
      vanished.filter(({ path }) => stillThere.has(path)),
      'vanished, and at the source',
    ).toEqual([]);
    const known = new Set(entries.map(({ path }) => path));
    expect(
      pathsBelow(trees.destination).filter((path) => !known.has(path)),
      'not of the source',
    ).toEqual([]);
  }
}

function shuffled<T>(some: readonly T[], random: Random): T[] {
  const rest = [...some];
  return some.map(() => rest.splice(random(rest.length), 1)[0]!);
}
