import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName, toBytes } from '../../core/model/names.ts';

/** One entry of a list; `place` tells where it stands, for the sentence that refuses it. */
export type Item = { readonly text: string; readonly place: () => string };

/** The entries of a file that are not empty; `-` is standard input. What cannot be read is a `usage` error. */
export async function readItems(file: string, end: 'line' | 'nul', option: string): Promise<Generator<Item>> {
  const bytes = await read(file).catch((error: NodeJS.ErrnoException) => {
    throw new BcopyError('usage', `cannot read ${option} ${quoteName(file)}: ${whyOf(error)}`);
  });
  const shown = file === '-' ? 'standard input' : quoteName(file);
  return itemsOf(bytes, end === 'line' ? 10 : 0, (number) =>
    end === 'line' ? `${shown} line ${number}:` : `${shown} entry ${number}:`,
  );
}

function* itemsOf(bytes: Buffer, byte: number, placeOf: (number: number) => string): Generator<Item> {
  for (let [start, number] = [0, 1]; start < bytes.length; number++) {
    const found = bytes.indexOf(byte, start);
    const stop = found < 0 ? bytes.length : found;
    const text = fromBytes(bytes.subarray(start, stop));
    if (text !== '') yield { text, place: () => placeOf(number) };
    start = stop + 1;
  }
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
