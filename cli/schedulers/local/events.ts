import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as z from 'zod/mini';

const eventSchema = z.discriminatedUnion('type', [
  /** First, once: who runs this job, and where. */
  z.object({
    type: z.literal('supervisor'),
    pid: z.int(),
    startTicks: z.string(),
    boot: z.string(),
    host: z.string(),
  }),
  /** The jobs to wait for have ended. */
  z.object({ type: z.literal('released') }),
  z.object({ type: z.literal('started'), task: z.nullable(z.int()), pid: z.int(), startTicks: z.string() }),
  /** No process of the task runs any more; `problem` says why it could not be started. */
  z.object({
    type: z.literal('ended'),
    task: z.nullable(z.int()),
    code: z.nullable(z.int()),
    signal: z.nullable(z.string()),
    problem: z.exactOptional(z.string()),
  }),
  /** Somebody cancelled the job; no task starts after this. */
  z.object({ type: z.literal('cancelled') }),
  /** Last: nothing of this job happens any more. */
  z.object({ type: z.literal('finished') }),
]);

/** One line of a job's event file. Its only writer is the job's supervisor. */
export type JobEvent = z.infer<typeof eventSchema>;

/** Appends events; refuses to open a file that exists, so that a job has one supervisor ever. */
export class EventWriter {
  readonly #descriptor: number;
  #isTorn = false;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'ax', 0o600);
  }

  /** In the file when this returns, if it returns true. A full disk loses the event, not the job, nor the next event. */
  append(event: JobEvent): boolean {
    const line = `${this.#isTorn ? '\n' : ''}${JSON.stringify(event)}\n`;
    try {
      this.#isTorn = writeSync(this.#descriptor, line) !== Buffer.byteLength(line);
    } catch {
      this.#isTorn = true;
    }
    return !this.#isTorn;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The events so far; none when the job never had a supervisor. Torn or foreign lines are passed over. */
export async function readEvents(path: string): Promise<JobEvent[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => parseEvent(line) ?? []);
}

function parseEvent(line: string): JobEvent | undefined {
  if (line === '') return undefined;
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
