import type { Entry } from '../model/entry.ts';
import { damaged } from './files.ts';

/**
 * One line of the tape, a JSON array: `["d",path]` directory, `["f",name,bytes]` file, `["l",name,ordinal]` further
 * name of the file `ordinal`, `["s",name]` symlink, `["p",name]` special, `["x",name,errno]` unreadable. With `,1` behind it the destination
 * has a directory, file or symlink already; `,0` says as little as nothing.
 */
export function formatTapeLine(entry: Entry): string {
  switch (entry.kind) {
    case 'directory':
      return `["d",${JSON.stringify(entry.path)}${mark(entry)}]\n`;
    case 'file':
      return `["f",${JSON.stringify(entry.name)},${entry.bytes}${mark(entry)}]\n`;
    case 'link':
      return `["l",${JSON.stringify(entry.name)},${entry.first}]\n`;
    case 'symlink':
      return `["s",${JSON.stringify(entry.name)}${mark(entry)}]\n`;
    case 'special':
      return `["p",${JSON.stringify(entry.name)}]\n`;
    case 'unreadable':
      return `["x",${JSON.stringify(entry.name)},"${entry.errno}"]\n`;
  }
}

function mark({ isSame }: { readonly isSame?: true }): string {
  return isSame ? ',1' : '';
}

/** Undefined for a line that is no entry (the header, the end). Anything malformed is a `runDamaged` error. */
export function parseTapeLine(file: string, offset: number, line: string): Entry | undefined {
  const value = parseLine(file, offset, line);
  if (!Array.isArray(value)) return undefined;
  const [letter, name, more, looked] = value as unknown[];
  if (typeof name !== 'string' || !isSafe(letter, name))
    throw damagedAt(file, offset, 'an entry without a proper name');
  if (letter === 'f' && isCount(more)) return { kind: 'file', name, bytes: more, ...sameness(looked) };
  if (letter === 'd') return { kind: 'directory', path: name, ...sameness(more) };
  if (letter === 's') return { kind: 'symlink', name, ...sameness(more) };
  if (letter === 'l' && isCount(more)) return { kind: 'link', name, first: more };
  if (letter === 'p') return { kind: 'special', name };
  if (letter === 'x' && typeof more === 'string') return { kind: 'unreadable', name, errno: more };
  throw damagedAt(file, offset, 'an entry of an unknown kind');
}

const same = { isSame: true } as const;

function sameness(mark: unknown): { readonly isSame?: true } {
  return mark === 1 ? same : {};
}

function parseLine(file: string, offset: number, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw damagedAt(file, offset, (error as Error).message);
  }
}

/** No line may lead out of the trees: names are single, paths hold no `..`, and none ends earlier for the system than for us. */
function isSafe(letter: unknown, name: string): boolean {
  if (name.includes('\0')) return false;
  if (letter === 'd')
    return name === '' || !name.split('/').some((part) => part === '' || part === '.' || part === '..');
  return (name !== '' || letter === 'x') && name !== '.' && name !== '..' && !name.includes('/');
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function damagedAt(file: string, offset: number, why: string): Error {
  return damaged(`${file} at byte ${offset}`, undefined, why);
}
