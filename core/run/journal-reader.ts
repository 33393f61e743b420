import { closeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { damaged, openToRead, parseJson, validate } from './files.ts';
import type { JournalCheck } from './journal-check.ts';
import { type JournalLine, journalLineSchema } from './journal-lines.ts';
import { readLines } from './lines.ts';
import { type JournalName, parseJournalName, type RunPaths } from './run-paths.ts';

export type JournalFile = { readonly file: string; readonly name: JournalName };

/** The journals of a run, in the order in which attempts and restarts followed each other. */
export async function listJournals(paths: RunPaths): Promise<JournalFile[]> {
  const journals: JournalFile[] = [];
  const files = await readdir(paths.journals).catch((error: NodeJS.ErrnoException) => {
    throw damaged(paths.journals, undefined, error.code ?? error.message);
  });
  for (const file of files) {
    const name = parseJournalName(file);
    if (name !== undefined) journals.push({ file: `${paths.journals}/${file}`, name });
  }
  return journals.sort(
    (a, b) =>
      a.name.attempt - b.name.attempt || a.name.restart - b.name.restart || (a.file < b.file ? -1 : 1),
  );
}

/**
 * The lines of a journal. A torn line is passed over where a kill can leave one: at the end, or before the header
 * of a successor in the same file. Anything else that is no record is a `runDamaged` error with file and line.
 */
export function* readJournal(file: string, check?: JournalCheck): Generator<JournalLine> {
  const descriptor = openToRead(file);
  try {
    let number = 0;
    for (const { text } of readLines(descriptor)) {
      const line = parseJournalLine(file, ++number, text);
      const why = number === 1 && line.type !== 'journal' ? 'not the beginning of a journal' : check?.(line);
      if (why !== undefined) throw damaged(file, number, why);
      yield line;
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseJournalLine(file: string, number: number, text: string): JournalLine {
  const header = text.lastIndexOf('{"type":"journal"');
  const line = header > 0 ? text.slice(header) : text;
  return validate(file, number, parseJson(file, number, line), journalLineSchema);
}

const recordTypes = ['done', 'part', 'file', 'removed', 'verified', 'piece', 'digests', 'unlinked'];

/** True when a worker of this attempt has recorded that it brought something to the destination, or found it there. */
export async function hasRecorded(paths: RunPaths, attempt: number): Promise<boolean> {
  for (const { file, name } of await listJournals(paths)) {
    if (name.attempt !== attempt || name.shard === 'finish') continue;
    for (const { type } of readJournal(file)) if (recordTypes.includes(type)) return true;
  }
  return false;
}

/** True when a worker of the same shard with a later attempt or restart has begun: the older one must stop. */
export async function isSuperseded(paths: RunPaths, mine: JournalName): Promise<boolean> {
  for (const file of await readdir(paths.journals)) {
    const name = parseJournalName(file);
    if (name?.shard !== mine.shard) continue;
    if (name.attempt > mine.attempt || (name.attempt === mine.attempt && name.restart > mine.restart))
      return true;
  }
  return false;
}
