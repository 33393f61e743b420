import { DirectoryNames } from './directory-names.ts';
import { nativeName } from './libc.ts';
import { unlinkat } from './libc-names.ts';

/** Who writes: unique among all workers that may ever work on a run. */
export type Writer = {
  readonly run: string;
  readonly attempt: number;
  readonly restart: number;
  readonly pid: number;
};

const names = new DirectoryNames();

/** The name an entry has at the destination until it is whole: unique to run, entry and worker. */
export function temporaryName(writer: Writer, ordinal: number): string {
  return `.bcopy.${writer.run}.${ordinal}.${writer.attempt}-${writer.restart}-${writer.pid}`;
}

/** The name of the one file that all pieces of a file are written into, by whichever worker. */
export function partsName(run: string, ordinal: number): string {
  return `.bcopy.${run}.${ordinal}.parts`;
}

/** Smaller files are never copied in pieces, whatever the limits. */
export const leastLargeBytes = 2 * 1024 * 1024;

/** True of a name that only a worker of this run gives: not of one that merely begins so. */
export function isTemporaryOf(run: string, name: string): boolean {
  const prefix = `.bcopy.${run}.`;
  return name.startsWith(prefix) && /^\d+\.(\d+-\d+-\d+|parts)$/.test(name.slice(prefix.length));
}

/** Removes what killed workers of this run have left in a directory, for entries `[from, to)`; names of this writer stay. */
export function removeLeftovers(directory: number, writer: Writer, from: number, to: number): void {
  const leftovers: string[] = [];
  for (const { name } of names.read(directory)) {
    const ordinal = leftoverOrdinal(writer, name);
    if (ordinal !== undefined && ordinal >= from && ordinal < to) leftovers.push(name);
  }
  for (const name of leftovers) unlinkat(directory, nativeName(name), 0);
}

function leftoverOrdinal(writer: Writer, name: string): number | undefined {
  const prefix = `.bcopy.${writer.run}.`;
  if (!name.startsWith(prefix)) return undefined;
  const [, ordinal, owner] = /^(\d+)\.(\d+-\d+-\d+)$/.exec(name.slice(prefix.length)) ?? [];
  if (ordinal === undefined || owner === `${writer.attempt}-${writer.restart}-${writer.pid}`)
    return undefined;
  return Number(ordinal);
}
