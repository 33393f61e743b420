import { meaningOf } from '../core/model/advice.ts';
import type { Difference } from '../core/model/difference.ts';
import { quoteName } from '../core/model/names.ts';
import type { EntryOutcome } from '../core/model/outcome.ts';
import type { Kept } from '../core/model/removal.ts';
import { formatBytes, formatCount, sayThreads } from '../core/model/units.ts';
import { sayDestination, saySource } from '../core/run/run-info.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import type { TaskContext } from './task-context.ts';

/** After so many the rest is left to the journal: a log is for people. */
const outcomesAtMost = 1000;

/** What a task prints for people, in JOBID_TASK.log and .err; nobody parses it. */
export class TaskLog {
  readonly #out: (line: string) => void;
  readonly #err: (line: string) => void;
  #told = 0;

  constructor(out: (line: string) => void, err: (line: string) => void) {
    this.#out = out;
    this.#err = err;
  }

  begin({ info, plan, journal, job, attempt, cpus }: TaskContext, state: ShardState): void {
    const shard = plan.shards[journal.shard as number]!;
    this.#out(
      `${now()} task ${job} on ${journal.host}: shard ${journal.shard}, attempt ${journal.attempt}, ${sayThreads(cpus, attempt.threads)}`,
    );
    this.#out(`  source      ${saySource(info)}`);
    this.#out(`  destination ${sayDestination(info)}`);
    this.#out(`  planned     ${formatCount(shard.entries)} entries, ${formatBytes(shard.bytes)}`);
    if (state.journals.length > 0) {
      this.#out(
        `  recorded    ${formatCount(state.copied.entries + state.skipped.entries)} entries by earlier workers`,
      );
    }
  }

  outcome({ outcome, path, cause, action }: EntryOutcome): void {
    const line = `${quoteName(path)}: ${outcome}: ${action}: ${meaningOf(cause)}`;
    if (++this.#told > outcomesAtMost) return;
    if (outcome === 'failed') this.#err(line);
    else this.#out(line);
    if (this.#told === outcomesAtMost)
      this.#err(`more than ${outcomesAtMost} entries failed or vanished; the rest is in the journal`);
  }

  /** What was to be removed and stays. */
  kept({ path, cause, action }: Kept): void {
    if (++this.#told <= outcomesAtMost)
      this.#err(`${quoteName(path)}: stays: ${action}: ${meaningOf(cause)}`);
  }

  /** What differs, or could not be compared. */
  difference({ kind, path, detail }: Difference): void {
    if (++this.#told <= outcomesAtMost)
      this.#err(`${kind} ${quoteName(path === '' ? '.' : path)}${detail === '' ? '' : ` (${detail})`}`);
  }

  /** Once for each cause, however many entries met it. */
  hopeless(cause: string): void {
    this.#err(`${meaningOf(cause)}; the rest of this shard was not tried`);
  }

  line(text: string): void {
    this.#out(`${now()} ${text}`);
  }

  end(reason: string, startedAt: number): void {
    this.#out(`${now()} ${reason} after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  }
}

function now(): string {
  return new Date().toISOString();
}
