import type { EntryOutcome } from '../model/outcome.ts';
import { dividedFiles, type Plan } from '../model/plan.ts';
import { giveBackToFinish, newFinishState, takeBackFromFinish, takeFinish } from './finish-state.ts';
import type { DiffersLine, JournalHeader, JournalLine } from './journal-lines.ts';
import { Removals } from './removals.ts';
import type { JournalName } from './run-paths.ts';
import { ShardState } from './shard-state.ts';
import { Verification } from './verification.ts';

/** Takes in the journals of a run, in the order of their attempts, line by line. */
export class StateBuilder {
  readonly shards: readonly ShardState[];
  readonly finish = newFinishState();
  readonly removals = new Removals();
  readonly verification = new Verification();
  readonly #divided: ReadonlyMap<number, readonly number[]>;

  constructor(plan: Plan) {
    this.shards = plan.shards.map(() => new ShardState());
    this.#divided = dividedFiles(plan);
  }

  /** A whole journal; `keep`: only as long as it says so of its headers. */
  take(
    name: JournalName,
    lines: Iterable<JournalLine>,
    keep: (header: JournalHeader) => boolean = () => true,
  ): void {
    const forFinish = new ShardState();
    const told = new Map<number, EntryOutcome>();
    let phase: JournalHeader['phase'] = 'copy';
    let hasDone = false;
    for (const line of lines) {
      if (line.type === 'journal') {
        if (!keep(line)) return;
        phase = line.phase ?? 'copy';
        if (phase === 'verify') this.verification.begin(name.shard, line);
      }
      if (line.type === 'entry') told.set(line.ordinal, line);
      hasDone ||= line.type === 'done';
      (name.shard === 'finish' ? forFinish : this.shards[name.shard]!).add(name, line);
      this.#settle(name.shard, line);
      if (phase === 'verify')
        for (const { lines } of this.verification.take(name.shard, line)) this.#giveBack(lines[0]!);
      if (phase === 'delete' && name.shard !== 'finish') this.removals.add(name.shard, line);
    }
    if (name.shard !== 'finish') return;
    // What only compares counts where nothing was ever copied
    if (phase === 'copy' || (phase === 'verify' && hasDone)) this.#takeFinish(forFinish, told);
    else this.finish.journal = forFinish.journals.at(-1);
  }

  /** What a line says of what others have said before. */
  #settle(shard: JournalName['shard'], line: JournalLine): void {
    if (line.type === 'file') {
      this.finish.files.set(line.ordinal, { outcome: line.outcome, bytes: line.bytes });
      this.verification.close(line.ordinal);
    } else if (line.type === 'done' && shard !== 'finish') {
      this.#closeIn(line.from, line.to);
    } else if (line.type === 'entry' && line.outcome === 'vanished') {
      this.verification.close(line.ordinal);
    } else if (line.type === 'differs' && line.ordinal !== undefined)
      this.#takeBack(shard, line.ordinal, line);
  }

  /** What is divided belongs to all shards that have a part of it. */
  #takeBack(shard: JournalName['shard'], ordinal: number, { entry, bytes = 0 }: DiffersLine): void {
    const sharing = this.#divided.get(ordinal);
    if (entry === 'directory' || entry === 'link') takeBackFromFinish(this.finish, ordinal, entry);
    else if (sharing === undefined) {
      const holders = shard === 'finish' ? this.shards : [this.shards[shard]!];
      for (const holder of holders) holder.takeBack(ordinal, bytes);
    } else {
      this.finish.files.delete(ordinal);
      for (const holder of sharing) this.shards[holder]!.takeBackParts(ordinal);
    }
  }

  /** What a worker does it has recorded itself. */
  #giveBack(line: DiffersLine): void {
    if (isOfFinish(line)) giveBackToFinish(this.finish, line.ordinal!);
  }

  #takeFinish(state: ShardState, told: Map<number, EntryOutcome>): void {
    takeFinish(this.finish, state, told);
    for (const [ordinal, { lines }] of this.verification.open)
      if (isOfFinish(lines[0]!) && state.done.has(ordinal)) this.verification.close(ordinal);
  }

  /** A worker's ranges pass over what finish does. */
  #closeIn(from: number, to: number): void {
    for (const [ordinal, { lines }] of this.verification.openIn(from, to))
      if (!isOfFinish(lines[0]!)) this.verification.close(ordinal);
  }
}

function isOfFinish({ entry }: DiffersLine): boolean {
  return entry === 'directory' || entry === 'link';
}
