import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isComplete } from '../../core/model/account.ts';
import type { Plan } from '../../core/model/plan.ts';
import type { Attempt } from '../../core/run/attempt-file.ts';
import { type JournalName, RunPaths } from '../../core/run/run-paths.ts';
import { accountOfRun, readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import { unverifiedShards } from '../../core/run/to-verify.ts';
import { runFinish } from '../../workers/finish.ts';
import { runTask } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { runVerifyFinish } from '../../workers/verify-finish.ts';
import { runVerifyTask } from '../../workers/verify-task.ts';
import { put } from '../helpers/damage.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { FifoStock, RandomSource } from '../helpers/random-source.ts';
import { planRun, writeTape } from '../helpers/run-fixture.ts';
import { makeTwoTrees, placed, requestFor, scanned, type TwoTrees } from '../helpers/storage-trees.ts';
import { attemptOf, infoOf, keptLog } from '../helpers/task-fixture.ts';

const firstSeed = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 1e6));
const cases = Number(process.env.PROPERTY_CASES ?? 15);

let top: string;
let fifos: FifoStock;
beforeAll(() => {
  top = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bcopy-verify-'));
  fifos = new FifoStock(`${top}/fifos`);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const program = new URL('file:///not/used');

/** A run that is copied, damaged, compared, and copied again. */
class DamagedRun {
  readonly #random: Random;
  readonly #trees: TwoTrees;
  readonly #paths: RunPaths;
  readonly #plan: Plan;
  readonly #entries: readonly PlacedEntry[];
  readonly #sourceInode: string;
  readonly #isProved: boolean;
  #attempt = 0;
  #pid = 100;

  constructor(trees: TwoTrees, random: Random) {
    const entries = scanned(trees.source);
    this.#paths = new RunPaths(`${trees.top}/.bcopy/r1`);
    for (const directory of [this.#paths.journals, this.#paths.attempts])
      mkdirSync(directory, { recursive: true });
    const onTape = entries.map(({ entry }) => entry);
    writeTape(this.#paths, onTape);
    [this.#random, this.#trees, this.#entries] = [random, trees, placed(onTape)];
    this.#isProved = random(3) > 0;
    this.#plan = planRun(this.#paths, onTape, 1 + random(4), 65_536);
    this.#sourceInode = requestFor(trees).sourceInode;
  }

  async copy(): Promise<void> {
    const state = await this.#state();
    const proof = this.#isProved ? { verify: { by: 'checksum', mends: true } as const } : {};
    const attempt: Attempt = { ...attemptOf(++this.#attempt), arrays: [], ...proof };
    for (const shard of shardsWithWorkLeft(this.#plan, state))
      expect(await runTask(this.#context(attempt, shard), options())).toBe('complete');
    expect(await runFinish(this.#context(attempt, 'finish'), options())).toBe(true);
  }

  /** What is different afterwards, by kind and path. */
  damage(): Set<string> {
    const damaged = new Set<string>();
    const names = new Map(this.#entries.map((one) => [one.ordinal, one]));
    for (const { entry, path, ordinal } of this.#entries) {
      const file = `${this.#trees.destination}/${path}`;
      if (entry.kind !== 'file' || this.#random(3) > 0) continue;
      const isLinked = [...names.values()].some(
        (one) => one.entry.kind === 'link' && one.entry.first === ordinal,
      );
      const what = this.#random(isLinked ? 2 : 3);
      const { size } = statSync(file);
      if (what === 0 && size > 0) {
        const at = this.#random(size);
        put(file, at, readFileSync(file)[at] === 88 ? 'Y' : 'X');
        damaged.add(`content ${path}`);
      } else if (what === 1) {
        const { mode } = statSync(file);
        chmodSync(file, mode ^ 0o100);
        damaged.add(`mode ${path}`);
      } else if (what === 2) {
        rmSync(file);
        damaged.add(`missing ${path}`);
      }
    }
    for (const { entry, path } of this.#entries) {
      const file = `${this.#trees.destination}/${path}`;
      if (entry.kind !== 'link' || this.#random(3) > 0 || !existsSync(file)) continue;
      execFileSync('sh', ['-c', 'cp -p "$1" "$1.own" && mv -f "$1.own" "$1"', 'sh', file]);
      // It has what the first name had by now
      for (const kind of ['content', 'mode'])
        if (damaged.has(`${kind} ${names.get(entry.first)!.path}`)) damaged.add(`${kind} ${path}`);
      damaged.add(`hard-links ${path}`);
    }
    return damaged;
  }

  /** Compares, with workers that are ended on the way, until all is compared. */
  async verify(): Promise<void> {
    const how = { by: 'checksum', since: this.#attempt + 1, keep: ['mode', 'links'] } as const;
    const verify = { ...how, mends: this.#isProved && this.#random(4) > 0 };
    if (this.#isProved && this.#random(3) === 0) this.#harmDigests();
    for (let round = 0; ; round++) {
      const attempt: Attempt = { ...attemptOf(++this.#attempt), phase: 'verify', verify, arrays: [] };
      const left = unverifiedShards(attempt, {}, this.#plan, await this.#state());
      if (left.length === 0 && round > 0) break;
      for (const shard of left) await this.#compare(attempt, shard, round < 3);
      await runVerifyFinish(this.#context(attempt, 'finish'));
      await this.#check();
    }
  }

  async #compare(attempt: Attempt, shard: number, isBeset: boolean): Promise<void> {
    const fate = isBeset ? this.#random(4) : 3;
    if (fate === 0) return;
    const context = this.#context(attempt, shard);
    if (fate === 1) expect(await runVerifyTask(context, options(AbortSignal.abort()))).toBe('cut off');
    else await runVerifyTask(context, options());
    if (fate === 2) this.#tear(context.journal);
  }

  /** Nothing but the time that it takes depends on them. */
  #harmDigests(): void {
    for (const name of readdirSync(this.#paths.journals)) {
      const file = `${this.#paths.journals}/${name}`;
      if (!name.endsWith('.digests') || this.#random(2) === 0) continue;
      const bytes = readFileSync(file);
      if (this.#random(2) === 0) truncateSync(file, this.#random(bytes.length + 1));
      else {
        for (let i = 0; i < 10; i++) bytes[this.#random(bytes.length)] = this.#random(256);
        writeFileSync(file, bytes);
      }
    }
  }

  /** As if it had been killed some time before. */
  #tear(name: JournalName): void {
    const file = this.#paths.journal(name);
    const { size } = statSync(file);
    truncateSync(file, Math.max(0, size - this.#random(Math.min(size, 400))));
  }

  async open(): Promise<Set<string>> {
    const { verification } = await this.#state();
    return new Set(Array.from(verification.differences(), ({ kind, path }) => `${kind} ${path}`));
  }

  async isComplete(): Promise<boolean> {
    return isComplete(accountOfRun(this.#plan, await this.#state()));
  }

  /** The books close. */
  async #check(): Promise<void> {
    const state = await this.#state();
    const { left, ...account } = accountOfRun(this.#plan, state);
    for (const tally of [left, ...Object.values(account)])
      expect(Math.min(tally.entries, tally.bytes)).toBeGreaterThanOrEqual(0);
    expect(left.entries).toBe(state.verification.open.size);
  }

  /** Byte for byte, mode for mode, and name for name. */
  expectAlike(): void {
    const { source, destination } = this.#trees;
    for (const { entry, path } of this.#entries) {
      const [one, other] = [lstatSync(`${source}/${path}`), lstatSync(`${destination}/${path}`)];
      expect(other.mode, path).toBe(one.mode);
      if (entry.kind !== 'file' && entry.kind !== 'link') continue;
      expect(other.nlink, path).toBe(one.nlink);
      expect(readFileSync(`${destination}/${path}`).equals(readFileSync(`${source}/${path}`)), path).toBe(
        true,
      );
    }
  }

  #state() {
    return readRunState(this.#paths, this.#plan);
  }

  #context(attempt: Attempt, shard: number | 'finish'): TaskContext {
    const info = infoOf(this.#trees, this.#sourceInode);
    const inode = String(statSync(this.#trees.destination, { bigint: true }).ino);
    mkdirSync(`${this.#paths.attempts}/${attempt.attempt}`, { recursive: true });
    return {
      paths: this.#paths,
      info: { ...info, destination: { ...info.destination, inode } },
      plan: this.#plan,
      attempt,
      journal: { shard, attempt: attempt.attempt, restart: 0, host: 'node1', pid: this.#pid++ },
      job: shard === 'finish' ? '78' : `77_${shard}`,
      cpus: 1,
      memoryMB: undefined,
      hasDoubts: false,
    };
  }
}

function options(signal = new AbortController().signal) {
  return { program, log: keptLog().log, signal };
}

async function runCase(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const trees = makeTwoTrees(top);
  try {
    new RandomSource(trees.source, random, fifos);
    const run = new DamagedRun(trees, random);
    await run.copy();
    await run.verify();
    expect(await run.open()).toEqual(new Set());
    for (let round = 0; round < 2; round++) {
      const damaged = run.damage();
      await run.verify();
      expect(await run.open(), 'found').toEqual(damaged);
      await run.copy();
      expect(await run.isComplete()).toBe(true);
      run.expectAlike();
    }
  } finally {
    trees.remove();
  }
}

test(`what is damaged is found and mended, and nothing else is told: seeds from ${firstSeed} on`, async () => {
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    await runCase(seed).catch((error: Error) => {
      error.message = `PROPERTY_SEED=${seed} PROPERTY_CASES=1: ${error.message}`;
      throw error;
    });
  }
});
