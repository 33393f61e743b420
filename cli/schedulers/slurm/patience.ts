import pRetry, { type Options } from 'p-retry';
import { isBusy } from './complaints.ts';
import type { Answer } from './run-command.ts';

/** How often and how long to ask a busy controller again; waits double, with jitter, up to the longest. */
export type Patience = {
  readonly attempts: number;
  readonly minTimeoutMs: number;
  readonly maxTimeoutMs: number;
};

/** About two minutes of waiting in all. */
export const defaultPatience: Patience = { attempts: 8, minTimeoutMs: 1_000, maxTimeoutMs: 20_000 };

/** The controller did not answer; what it was asked may have been done all the same. */
export class BusyError extends Error {
  readonly complaint: string;

  constructor(answer: Answer) {
    super(answer.complaint);
    this.name = 'BusyError';
    this.complaint = answer.complaint;
  }
}

/** True when it is unknown whether the command did what it was asked: no answer, a late one, or cut off. */
export function isUnsure(answer: Answer): boolean {
  return !answer.ok && !answer.absent && (answer.cutOff || isBusy(answer.complaint));
}

/** Calls until it throws no BusyError; the last one is thrown when patience is at its end. */
export async function askPatiently<T>(
  ask: (attempt: number) => Promise<T>,
  patience: Patience,
  note: (message: string) => void,
): Promise<T> {
  const options: Options = {
    retries: patience.attempts - 1,
    minTimeout: patience.minTimeoutMs,
    maxTimeout: patience.maxTimeoutMs,
    // A command may itself take a minute to give up: without this, patience would last for many.
    maxRetryTime: Math.max(150_000, patience.attempts * patience.maxTimeoutMs),
    randomize: true,
    shouldRetry: ({ error }) => error instanceof BusyError,
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (error instanceof BusyError && retriesLeft > 0)
        note(`slurm does not answer, asking again: ${lastLine(error)}`);
    },
  };
  return pRetry(ask, options);
}

function lastLine(error: BusyError): string {
  return error.complaint.split('\n').at(-1) ?? '';
}
