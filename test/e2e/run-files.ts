import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Plan } from '../../core/model/plan.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import type { World } from './world.ts';

/** The directories of the runs made in a directory, oldest first. */
export function runDirectories(cwd: string): string[] {
  return readdirSync(join(cwd, '.bcopy'))
    .sort()
    .map((id) => join(cwd, '.bcopy', id));
}

export function readPlanOf(cwd: string): Plan {
  return JSON.parse(readFileSync(join(runDirectories(cwd).at(-1)!, 'plan.json'), 'utf8')) as Plan;
}

/** All journal lines of the newest run, with the names of their files. */
export function readJournalsOf(cwd: string): { file: string; line: JournalLine }[] {
  const directory = join(runDirectories(cwd).at(-1)!, 'journals');
  const files = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));
  return files.flatMap((file) => {
    const lines = readFileSync(join(directory, file), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => ({ file, line: JSON.parse(line) as JournalLine }));
  });
}

/** The number that bcopy announced. */
export function announcedJob(stdout: string): string {
  const job = /Job <(\d+)> is submitted to queue </.exec(stdout)?.[1];
  if (job === undefined) throw new Error(`no job was announced: ${stdout}`);
  return job;
}

/** What rsync would still do: nothing, when the trees are equal. */
export async function rsyncDifferences(
  source: string,
  destination: string,
  ...more: string[]
): Promise<string> {
  const { stdout } = await execa('rsync', [
    '-aHn',
    '--delete',
    '--itemize-changes',
    ...more,
    `${source}/`,
    `${destination}/`,
  ]);
  return stdout;
}

/** `{phase}` of `bcopy status`, asked for until `wanted` holds. */
export async function waitForStatus(
  world: World,
  cwd: string,
  job: string,
  wanted: (facts: StatusFacts) => boolean,
): Promise<StatusFacts> {
  for (const end = Date.now() + 90_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const { stdout, stderr } = await world.bcopy(cwd, 'status', job, '--json');
    const facts = JSON.parse(stdout || '{}') as StatusFacts;
    if (wanted(facts)) return facts;
    if (Date.now() > end) throw new Error(`still ${stdout} ${stderr}`);
  }
}

export type StatusFacts = {
  readonly phase: string;
  readonly attempt: number;
  readonly account: Readonly<
    Record<
      'planned' | 'copied' | 'skipped' | 'linked' | 'failed' | 'vanished' | 'left',
      { entries: number; bytes: number }
    >
  >;
  readonly shards: readonly { readonly shard: number; readonly phase: string; readonly reason: string }[];
};
