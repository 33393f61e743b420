import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Seconds that the parts of a run have taken. */
export type Phases = {
  /** From the start of the command until the attempt is written: preflight, scan, plan. */
  readonly scan: number;
  /** From the first worker's start until the last one's end. */
  readonly workers: number;
  readonly finish: number;
};

type Line = {
  readonly type: string;
  readonly shard?: number | 'finish';
  readonly startedAt?: string;
  readonly at?: string;
};

/** Read from the one run made in a directory, by a command begun at this time; undefined where there is none. */
export function phasesOf(directory: string, begunAt: number): Phases | undefined {
  const runs = join(directory, '.bcopy');
  const run = existsSync(runs) ? readdirSync(runs).find((name) => /^\d{8}-\d{6}-/.test(name)) : undefined;
  if (run === undefined) return undefined;
  const attempt = JSON.parse(readFileSync(join(runs, run, 'attempts/1/attempt.json'), 'utf8')) as {
    createdAt: string;
  };
  const journals = readdirSync(join(runs, run, 'journals')).map((name) =>
    timesOf(readFileSync(join(runs, run, 'journals', name), 'utf8')),
  );
  const workers = journals.filter(({ isFinish }) => !isFinish);
  const finish = journals.find(({ isFinish }) => isFinish);
  return {
    scan: (Date.parse(attempt.createdAt) - begunAt) / 1000,
    workers:
      (Math.max(...workers.map(({ end }) => end)) - Math.min(...workers.map(({ start }) => start))) / 1000,
    finish: finish === undefined ? Number.NaN : (finish.end - finish.start) / 1000,
  };
}

function timesOf(journal: string): { isFinish: boolean; start: number; end: number } {
  const lines = journal
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const end = lines.find(({ type }) => type === 'end')?.at;
  return {
    isFinish: lines[0]?.shard === 'finish',
    start: Date.parse(lines[0]?.startedAt ?? ''),
    end: Date.parse(end ?? ''),
  };
}
