/**
 * Every file name of a run, in one place; docs/run-directory.md says what each holds. `root` is the run directory,
 * relative to where the program stands, so that the bytes of the user's directory names never matter.
 */
export class RunPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Holds the run's id and nothing else: the job scripts look at it to know where they stand. */
  get id(): string {
    return this.#in('id');
  }
  get info(): string {
    return this.#in('run.json');
  }
  get tape(): string {
    return this.#in('tape.jsonl');
  }
  get tapeIndex(): string {
    return this.#in('tape.index');
  }
  /** What the scan has found at the destination, until the plan is made. */
  get looked(): string {
    return this.#in('looked.jsonl');
  }
  /** Digests of groups of files without attributes, for later runs of the same trees, as the scan has found them. */
  get plain(): string {
    return this.#in('plain');
  }
  get plan(): string {
    return this.#in('plan.json');
  }
  get journals(): string {
    return this.#in('journals');
  }
  /** Sorted files of digests, each written by one worker. */
  get digests(): string {
    return this.#in('digests');
  }
  /** The manifest that nobody has named a file for. */
  get manifest(): string {
    return this.#in('manifest');
  }
  get attempts(): string {
    return this.#in('attempts');
  }
  attempt(attempt: number): string {
    return this.#in('attempts', String(attempt));
  }
  attemptInfo(attempt: number): string {
    return this.#in('attempts', String(attempt), 'attempt.json');
  }
  script(attempt: number, kind: 'task' | 'finish', array = 0): string {
    const name = kind === 'task' ? `task-${array}.sbatch` : 'finish.sbatch';
    return this.#in('attempts', String(attempt), name);
  }
  /** Written when the scheduler has accepted a job: `array` is a number, or `finish`. */
  submitted(attempt: number, array: number | 'finish'): string {
    return this.#in('attempts', String(attempt), `job-${array}.json`);
  }
  /** What follows the attempt, and that the user wants nothing to follow. */
  next(attempt: number): string {
    return this.#in('attempts', String(attempt), 'next.json');
  }
  cancelled(attempt: number): string {
    return this.#in('attempts', String(attempt), 'cancelled.json');
  }
  get allLogs(): string {
    return this.#in('logs');
  }
  logs(attempt: number): string {
    return this.#in('logs', String(attempt));
  }
  /** A journal's name tells whose it is and sorts nothing; readers take order from attempt and restart. */
  journal(writer: JournalName): string {
    const { shard, attempt, restart, host, pid } = writer;
    return this.#in('journals', `${shard}.${attempt}-${restart}-${host}-${pid}.jsonl`);
  }
  /** What the writer of a journal has hashed of the files that it has copied. */
  copiedDigests(writer: JournalName): string {
    return `${this.journal(writer)}.digests`;
  }
  /** Digests of files without attributes that the writer of a journal has copied, by their directories. */
  plainCopies(writer: JournalName): string {
    return `${this.journal(writer)}${plainEnding}`;
  }
  /** JOBID.log and JOBID.err, where the user stood: two levels above the run directory. */
  userLog(job: string, ending: 'log' | 'err'): string {
    return this.#in('..', '..', `${job}.${ending}`);
  }

  #in(...names: string[]): string {
    return [this.root, ...names].join('/');
  }
}

export type JournalName = {
  readonly shard: number | 'finish';
  readonly attempt: number;
  readonly restart: number;
  readonly host: string;
  /** As SLURM calls the host, known to the writer only: it is not part of the name. */
  readonly node?: string;
  readonly pid: number;
};

/** What RunPaths.plainCopies ends with. */
export const plainEnding = '.plain';

/** What the scan records stands before all attempts. */
export const scanAttempt = 0;

const journalPattern = /^(\d+|finish)\.(\d+)-(\d+)-(.*)-(\d+)\.jsonl$/;

/** The writer that a journal's file name tells, or undefined for a file that is no journal. */
export function parseJournalName(file: string): JournalName | undefined {
  const [, shard, attempt, restart, host, pid] = journalPattern.exec(file) ?? [];
  if (shard === undefined) return undefined;
  return {
    shard: shard === 'finish' ? shard : Number(shard),
    attempt: Number(attempt),
    restart: Number(restart),
    host: host!,
    pid: Number(pid),
  };
}

/** True of a word that is a run's id; job numbers are none. */
export function isRunId(word: string): boolean {
  return /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(word);
}

/** The name of the directory that holds the runs made in a directory. */
export const runsDirectory = '.bcopy';
