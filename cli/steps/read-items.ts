import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName, toBytes } from '../../core/model/names.ts';

/** One entry of a list, and where it stands, for the sentence that refuses it. */
export type Item = { readonly text: string; readonly place: string };

/** The entries of a file that are not empty; `-` is standard input. What cannot be read is a `usage` error. */
export async function readItems(file: string, end: 'line' | 'nul', option: string): Promise<Item[]> {
  const bytes = await read(file).catch((error: NodeJS.ErrnoException) => {
    throw new BcopyError('usage', `cannot read ${option} ${quoteName(file)}: ${whyOf(error)}`);
  });
  const byte = end === 'line' ? 10 : 0;
  const items: Item[] = [];
  for (let [start, number] = [0, 1]; start < bytes.length; number++) {
    const found = bytes.indexOf(byte, start);
    const stop = found < 0 ? bytes.length : found;
    const text = fromBytes(bytes.subarray(start, stop));
    const shown = file === '-' ? 'standard input' : quoteName(file);
    if (text !== '') items.push({ text, place: `${shown} ${end === 'line' ? 'line' : 'entry'} ${number}:` });
    start = stop + 1;
  }
  return items;
}

async function read(file: string): Promise<Buffer> {
  if (file !== '-') return readFile(Buffer.from(toBytes(file)));
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream('', { fd: 0, autoClose: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function whyOf({ code, message }: NodeJS.ErrnoException): string {
  const known = new Map([
    ['ENOENT', 'it does not exist'],
    ['EACCES', 'permission denied'],
    ['EISDIR', 'it is a directory'],
  ]);
  return known.get(code ?? '') ?? message;
}
