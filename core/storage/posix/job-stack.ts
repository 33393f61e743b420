import { close } from './libc.ts';
import { markOf, numberOf, PendingDirectories } from './pending-directories.ts';
import type { DirectoryRest, Stretch, StretchEnd } from './stretch.ts';

/** A stretch that is to be walked, is being walked or has been, and whose entries were not given yet. */
export type Job<S> = {
  readonly number: number;
  readonly stretch: Stretch;
  hasBegun: boolean;
  walked: { readonly sink: S; readonly end: StretchEnd } | undefined;
  /** The number of the job for the rest of the directory in which this one ended: it comes next. */
  follower: number | undefined;
};

/**
 * What lies before a walk, in its order: paths of directories, and jobs made of some of them ahead of their turn. The
 * number of jobs that have begun is what the caller has to bound.
 */
export class JobStack<S> {
  readonly #pending: PendingDirectories;
  readonly #jobs = new Map<number, Job<S>>();
  /** Jobs that have not begun: each is the rest of a directory. */
  readonly #waiting = new Set<Job<S>>();
  #lastNumber = 0;
  #begun = 0;

  /** `first` are the paths that it begins with, of which the last comes first; `spillFile` may be made when there are very many. */
  constructor(spillFile: string, first: readonly string[]) {
    this.#pending = new PendingDirectories(spillFile);
    for (const path of first) this.#pending.push(path);
  }

  /** How many jobs have begun and were not finished. */
  get begun(): number {
    return this.#begun;
  }

  /** How many directories are to be walked, about: those that lie in a file do not count. */
  get known(): number {
    return Math.max(0, this.#pending.atHand - this.#jobs.size);
  }

  /** The job whose entries come next, made of so many directories at most if it is new; undefined at the end. */
  pop(directories: number): Job<S> | undefined {
    const top = this.#pending.pop();
    if (top === undefined) return undefined;
    this.#pending.push(top);
    const number = numberOf(top);
    const job = number === undefined ? this.#takeOut(directories) : this.#jobs.get(number);
    this.#pending.pop();
    return job;
  }

  /** A job that may begin before its turn; undefined when there is none at hand. */
  next(directories: number): Job<S> | undefined {
    for (const job of this.#waiting) return job;
    return this.#takeOut(directories);
  }

  begin(job: Job<S>): void {
    job.hasBegun = true;
    this.#waiting.delete(job);
    this.#begun++;
  }

  /** The rest of the directory in which a job has ended, or will. */
  follow(job: Job<S>, rest: DirectoryRest): void {
    const follower = this.#add(++this.#lastNumber, { kind: 'rest', rest });
    job.follower = follower.number;
    this.#waiting.add(follower);
  }

  /** The entries of a job were given: what it has found has its turn next. */
  finish(job: Job<S>, pending: readonly string[]): void {
    for (const path of pending) this.#pending.push(path);
    if (job.follower !== undefined) this.#pending.push(markOf(job.follower));
    this.#jobs.delete(job.number);
    this.#begun--;
  }

  /** No job is under way. */
  close(): void {
    for (const { hasBegun, stretch } of this.#jobs.values())
      if (!hasBegun && stretch.kind === 'rest') close(stretch.rest.fd);
    this.#pending.close();
  }

  #takeOut(directories: number): Job<S> | undefined {
    const number = ++this.#lastNumber;
    const paths = this.#pending.takeOut(directories, markOf(number));
    return paths.length === 0 ? undefined : this.#add(number, { kind: 'directories', paths });
  }

  #add(number: number, stretch: Stretch): Job<S> {
    const job: Job<S> = { number, stretch, hasBegun: false, walked: undefined, follower: undefined };
    this.#jobs.set(number, job);
    return job;
  }
}
