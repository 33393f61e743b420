/** What a job asks of its scheduler; a value left out is the scheduler's own default. */
export type Resources = {
  readonly account?: string | undefined;
  readonly partition?: string | undefined;
  readonly qos?: string | undefined;
  /** The time limit, as SLURM writes it. */
  readonly time?: string | undefined;
  readonly mem?: string | undefined;
  readonly cpusPerTask?: number | undefined;
  readonly constraint?: string | undefined;
  readonly reservation?: string | undefined;
  readonly mailUser?: string | undefined;
  readonly mailType?: string | undefined;
  /** Nodes that are not to be used. */
  readonly excludeNodes?: readonly string[] | undefined;
  /** Further options of the scheduler's own submit command, one argument each, passed as they are. */
  readonly extraArguments?: readonly string[] | undefined;
};

/** Which tasks an array has, and how many of them may run at once. */
export type ArrayRequest = {
  /** Task numbers, ascending, each from 0 to `limits().maxTaskNumber`. */
  readonly tasks: readonly number[];
  readonly atOnce: number;
};

/**
 * One job to submit. All paths are relative to the current directory of the caller and hold only
 * letters, digits, `.`, `-`, `_` and `/`, so that no directory name of the user's reaches a pattern or a shell.
 */
export type JobRequest = {
  /** Unique to run, attempt and array: a job with this name that exists already *is* this job. */
  readonly name: string;
  /** The rendered script; it is on disk before it is submitted. */
  readonly script: string;
  /** The job's working directory. */
  readonly directory: string;
  /** Output and error files, relative to `directory`, in SLURM's patterns (`logs/1/%A_%a.log`). Appended to, never truncated. */
  readonly output: string;
  readonly error: string;
  readonly array?: ArrayRequest;
  /** True: its process is to get SIGUSR1 some time before its time limit, where there is one. */
  readonly isWarned?: boolean;
  /** Jobs that must have ended, well or badly, before this one starts (SLURM's afterany). */
  readonly after: readonly JobRef[];
  readonly resources: Resources;
};

/** A job that was accepted. `id` is a decimal number, as people type it. */
export type JobRef = {
  readonly id: string;
  /** The job's working directory, as it was given at submission. */
  readonly directory: string;
};

/** What a run may ask of this scheduler, read from it once. */
export type SchedulerLimits = {
  /** Largest task number of an array (SLURM: MaxArraySize - 1). */
  readonly maxTaskNumber: number;
  /** CPUs that all tasks share; left out where the scheduler gives each its own. */
  readonly cpus?: number;
  /** The queue that a job without a partition goes to, as announced to the user. */
  readonly defaultPartition: string;
  readonly partitions: readonly string[];
};

/**
 * pending: will start, or may; `stuck` in TaskState says that it never will.
 * ended: no process of it runs any more. gone: the scheduler does not know it (purged, or never seen).
 * unknown: the scheduler said something that this program has not heard of; never an error.
 */
export type TaskPhase = 'pending' | 'running' | 'ended' | 'gone' | 'unknown';

export type TaskState = {
  readonly job: string;
  /** Task number in the array; absent for a job without tasks. */
  readonly task?: number;
  readonly phase: TaskPhase;
  /** The scheduler's own word: RUNNING, TIMEOUT, NODE_FAIL ... */
  readonly state: string;
  /** The scheduler's own reason, empty when it gives none. */
  readonly reason: string;
  /** True when it is pending with a reason that never goes away by itself (PartitionTimeLimit, DependencyNeverSatisfied ...). */
  readonly stuck: boolean;
  readonly node: string;
};

/**
 * Where jobs run. Nothing is kept between calls; every answer is asked anew.
 * Failures are BcopyErrors: `noScheduler` when it does not answer after retries, `refused` with its own words.
 */
export interface Scheduler {
  readonly kind: 'slurm' | 'local';
  limits(): Promise<SchedulerLimits>;
  /** So many jobs will be submitted soon: what takes time before may begin. With 0 none will: nothing of it is left on return. */
  expect(jobs: number): Promise<void>;
  /** The exact command that `submit` would run, for people to read; nothing is submitted. */
  describe(job: JobRequest): readonly string[];
  /**
   * Returns when the job is accepted, and submits it once only: a request that timed out is looked up
   * by its name before it is sent again.
   */
  submit(job: JobRequest): Promise<JobRef>;
  /**
   * The job with this name, in whatever state, if the scheduler still knows it: for who was ended between a submission
   * and its answer. `directory` is the job's own.
   */
  find(job: { readonly name: string; readonly directory: string }): Promise<JobRef | undefined>;
  /**
   * The states of all tasks of all these jobs, asked for together. Tasks that the scheduler has forgotten
   * are missing from the answer: absence says nothing, the journals say what was done.
   */
  states(jobs: readonly JobRef[]): Promise<TaskState[]>;
  /** Ends what still runs and removes what waits; jobs that have ended are passed over. Idempotent. */
  cancel(jobs: readonly JobRef[]): Promise<void>;
}
