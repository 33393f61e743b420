import { setTimeout as sleep } from 'node:timers/promises';
import { BcopyError, type ErrorDetails } from '../../../core/model/errors.ts';
import type { JobRef, JobRequest, Scheduler, SchedulerLimits, TaskState } from '../scheduler.ts';
import {
  accountingArgv,
  cancelArgv,
  configArgv,
  lookUpArgv,
  partitionsArgv,
  refuseDirectory,
  statesArgv,
  submitArgv,
} from './argv.ts';
import { hintFor, isAboutForgottenJobs, isUnusable } from './complaints.ts';
import type { Environment } from './environment.ts';
import {
  parseLookUp,
  parsePartitions,
  parseSacct,
  parseScontrolConfig,
  parseSqueue,
  parseSubmitted,
} from './parse.ts';
import { askPatiently, BusyError, defaultPatience, isUnsure, type Patience } from './patience.ts';
import { type Answer, runCommand } from './run-command.ts';

const askTimeoutMs = 60_000;
/** sbatch itself sleeps for two minutes when the controller has no room for the job. */
const submitTimeoutMs = 300_000;

export type SlurmOptions = {
  readonly environment: Environment;
  readonly patience?: Patience;
  /** Told, in a sentence, when something takes longer than it should. */
  readonly note?: (message: string) => void;
};

/** Jobs on a SLURM cluster, by its commands on PATH. A job is submitted once however slow the controller is. */
export class SlurmScheduler implements Scheduler {
  readonly kind = 'slurm';
  readonly #environment: Environment;
  readonly #patience: Patience;
  readonly #note: (message: string) => void;

  constructor(options: SlurmOptions) {
    this.#environment = options.environment;
    this.#patience = options.patience ?? defaultPatience;
    this.#note = options.note ?? (() => {});
  }

  async expect(): Promise<void> {}

  async limits(): Promise<SchedulerLimits> {
    const config = await this.#ask(configArgv());
    const partitions = await this.#ask(partitionsArgv());
    const { maxArraySize } = parseScontrolConfig(config.ok ? config.stdout : '');
    return {
      maxTaskNumber: Math.max(0, maxArraySize - 1),
      ...parsePartitions(partitions.ok ? partitions.stdout : ''),
    };
  }

  describe(job: JobRequest): readonly string[] {
    return submitArgv(job, process.cwd());
  }

  async submit(job: JobRequest): Promise<JobRef> {
    refuseDirectory(process.cwd());
    try {
      const submitOnce = (attempt: number) => this.#submitOnce(job, attempt);
      const id = await askPatiently(submitOnce, this.#patience, this.#note);
      return { id, directory: job.directory };
    } catch (error) {
      throw error instanceof BusyError ? noAnswer('slurm is too busy to take the job', error) : error;
    }
  }

  async find({ name, directory }: { name: string; directory: string }): Promise<JobRef | undefined> {
    const id = parseLookUp(await this.#mustAnswer(lookUpArgv(name)))[0];
    return id === undefined ? undefined : { id, directory };
  }

  async states(jobs: readonly JobRef[]): Promise<TaskState[]> {
    if (jobs.length === 0) return [];
    const ids = new Set(jobs.map((job) => job.id));
    const answer = await this.#ask(statesArgv([...ids]));
    if (!answer.ok && !isAboutForgottenJobs(answer.complaint)) {
      throw new BcopyError('noScheduler', 'cannot ask slurm about jobs: squeue failed', words(answer));
    }
    // An id may also be the raw id of another array's task, which squeue then shows too.
    const states = parseSqueue(answer.stdout).filter((state) => ids.has(state.job));
    const known = new Set(states.map((state) => state.job));
    const forgotten = [...ids].filter((id) => !known.has(id));
    return forgotten.length === 0 ? states : [...states, ...(await this.#remember(forgotten))];
  }

  async cancel(jobs: readonly JobRef[]): Promise<void> {
    if (jobs.length === 0) return;
    const answer = await this.#ask(cancelArgv(jobs.map((job) => job.id)));
    const complaints = answer.complaint
      .split('\n')
      .filter((line) => line !== '' && !isAboutForgottenJobs(line));
    if (answer.ok || complaints.length === 0) return;
    throw new BcopyError('refused', 'slurm refused to cancel the job', words(answer));
  }

  /** One sbatch, and whether it was heard: after an answer in doubt the job is looked up before another. */
  async #submitOnce(job: JobRequest, attempt: number): Promise<string> {
    const earlier = attempt > 1 ? await this.#lookUp(job.name) : undefined;
    if (earlier !== undefined) return earlier;
    const answer = await runCommand(submitArgv(job, process.cwd()), this.#environment, submitTimeoutMs);
    if (!isUnsure(answer)) return parseSubmitted(accepted(answer).stdout) ?? this.#numberOf(job.name, answer);
    this.#note(`slurm did not answer in time, looking whether it has the job: ${answer.complaint}`);
    const found = await this.#lookUp(job.name);
    if (found === undefined) throw new BusyError(answer);
    return found;
  }

  /** Returns only when the controller answered, twice when the answer is no: the request may still be on its way. */
  async #lookUp(name: string): Promise<string | undefined> {
    try {
      const ask = async () => parseLookUp(await this.#mustAnswer(lookUpArgv(name)))[0];
      const first = await ask();
      if (first !== undefined) return first;
      await sleep(this.#patience.minTimeoutMs);
      return await ask();
    } catch (error) {
      if (!(error instanceof BcopyError)) throw error;
      throw new BcopyError('noScheduler', 'cannot tell whether slurm accepted the job', {
        ...(error.theirWords === undefined ? {} : { theirWords: error.theirWords }),
        hint: `when slurm answers again, 'squeue --name ${name}' shows whether it did`,
      });
    }
  }

  async #numberOf(name: string, answer: Answer): Promise<string> {
    const found = await this.#lookUp(name);
    if (found !== undefined) return found;
    throw new BcopyError('refused', 'sbatch gave no job number', { theirWords: answer.stdout.trim() });
  }

  /** What accounting knows has ended; nothing when there is no accounting. */
  async #remember(ids: readonly string[]): Promise<TaskState[]> {
    const answer = await runCommand(accountingArgv(ids), this.#environment, askTimeoutMs);
    // Whether a job is alive is the controller's to say, and it knows nothing of these.
    return answer.ok ? parseSacct(answer.stdout).filter((state) => state.phase === 'ended') : [];
  }

  async #mustAnswer(argv: readonly string[]): Promise<string> {
    const answer = await this.#ask(argv);
    if (answer.ok) return answer.stdout;
    throw new BcopyError('noScheduler', `cannot ask slurm: ${argv[0]} failed`, words(answer));
  }

  /** Asks until SLURM answers; throws when it does not, or cannot be asked at all. The answer may be a no. */
  async #ask(argv: readonly string[]): Promise<Answer> {
    const askOnce = async () => {
      const answer = await runCommand(argv, this.#environment, askTimeoutMs);
      if (isUnsure(answer)) throw new BusyError(answer);
      return reached(answer);
    };
    try {
      return await askPatiently(askOnce, this.#patience, this.#note);
    } catch (error) {
      throw error instanceof BusyError ? noAnswer('slurm does not answer', error) : error;
    }
  }
}

function reached(answer: Answer): Answer {
  if (!answer.absent && (answer.ok || !isUnusable(answer.complaint))) return answer;
  throw new BcopyError('noScheduler', 'cannot reach slurm from here', words(answer));
}

function accepted(answer: Answer): Answer {
  if (reached(answer).ok) return answer;
  throw new BcopyError('refused', 'slurm refused the job', words(answer));
}

function words(answer: Answer): ErrorDetails {
  const hint = hintFor(answer.complaint);
  return { theirWords: answer.complaint, ...(hint === undefined ? {} : { hint }) };
}

function noAnswer(message: string, error: BusyError): BcopyError {
  return new BcopyError('noScheduler', message, {
    theirWords: error.complaint,
    hint: "try again when 'scontrol ping' says that the controller is up",
  });
}
