import { readdirSync } from 'node:fs';
import { rsyncDifferences, type StatusFacts } from '../e2e/run-files.ts';
import type { World } from '../e2e/world.ts';
import type { Made } from './source-tree.ts';
import { tasksOf, workersOf } from './stage.ts';

type Account = StatusFacts['account'];

/** True when all that was made is somewhere in the account, and nothing else. */
export function closes({ planned, ...rest }: Account, made: Made): boolean {
  const parts = [rest.copied, rest.skipped, rest.linked, rest.failed, rest.vanished, rest.left];
  return (['entries', 'bytes'] as const).every((unit) => {
    const sum = parts.reduce((total, part) => total + part[unit], 0);
    const isNegative = parts.some((part) => part[unit] < 0);
    return sum === planned[unit] && planned[unit] === made[unit] && !isNegative;
  });
}

export type Ended = {
  readonly world: World;
  readonly source: string;
  readonly destination: string;
  readonly run: string;
  readonly account: Account;
};

/** What is not as it has to be after a complete copy. */
export async function findWrong({ world, source, destination, run, account }: Ended): Promise<string[]> {
  const { left, failed, vanished } = account;
  const isAllDone = [left, failed, vanished].every(({ entries, bytes }) => entries + bytes === 0);
  const differences = await rsyncDifferences(source, destination, '--checksum');
  const names = readdirSync(destination, { recursive: true, encoding: 'utf8' });
  return [
    ...(isAllDone ? [] : [`not all is done: ${JSON.stringify(account)}`]),
    ...(differences === '' ? [] : [`the trees differ: ${differences.slice(0, 500)}`]),
    ...names.filter((name) => name.includes('.bcopy.')).map((name) => `left over: ${name}`),
    ...workersOf(run).map(({ work }) => `still running: ${work}`),
    ...(await tasksOf(world)).map(({ id }) => `still in the queue: ${id}`),
  ];
}
