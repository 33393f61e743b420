import {
  type Attribute,
  isKept,
  listAttributes,
  placeOf,
  readAttribute,
  split,
} from './extended-attributes.ts';
import { type NativeName, nativeName } from './libc.ts';
import { lgetxattrAsync, llistxattrAsync } from './libc-attributes.ts';
import { pathTo } from './named-attributes.ts';
import { SystemError } from './system-error.ts';

/** More than any list of attributes, or any value, has. */
const bytesAtMost = 65_536;

/** An open directory, and the device of its file system. */
export type DirectoryOn = { readonly directory: number; readonly device: number };

/**
 * True when the name at this address has the same attributes in both directories, of those that a copy may keep, and this
 * user may read them all.
 */
export function haveSameAttributes(one: DirectoryOn, other: DirectoryOn, name: number): boolean {
  try {
    return areSame(readAll(one, name), readAll(other, name));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return false;
  }
}

/** The same without waiting; `run` bounds how many calls wait at once. */
export async function haveSameAttributesAsync(
  one: DirectoryOn,
  other: DirectoryOn,
  name: string,
  run: (call: () => Promise<number>) => Promise<number>,
): Promise<boolean> {
  const both = [one, other].map(({ directory }) => readAllAsync(placeOf(directory, nativeName(name)), run));
  const [mine, theirs] = await Promise.all(both);
  return mine !== undefined && theirs !== undefined && areSame(mine, theirs);
}

function readAll({ directory, device }: DirectoryOn, name: number): Attribute[] {
  return listAttributes(pathTo(directory, name), device).map((attribute) => {
    const value = readAttribute(pathTo(directory, name), attribute);
    if (typeof value === 'string') throw new SystemError('CHANGED', 'read extended attribute');
    return { name: attribute, value };
  });
}

/** Undefined where one of them cannot be read. */
async function readAllAsync(
  place: NativeName,
  run: (call: () => Promise<number>) => Promise<number>,
): Promise<Attribute[] | undefined> {
  const read = async (call: (into: Buffer) => Promise<number>) => {
    const into = Buffer.allocUnsafeSlow(bytesAtMost);
    const bytes = await run(() => call(into));
    return bytes < 0 ? undefined : into.subarray(0, bytes);
  };
  const names = await read((into) => llistxattrAsync(place, into, into.length));
  if (names === undefined) return undefined;
  const attributes: Attribute[] = [];
  for (const name of split(names).filter(isKept)) {
    const value = await read((into) => lgetxattrAsync(place, nativeName(name), into, into.length));
    if (value === undefined) return undefined;
    attributes.push({ name, value });
  }
  return attributes;
}

function areSame(mine: readonly Attribute[], theirs: readonly Attribute[]): boolean {
  const others = new Map(theirs.map(({ name, value }) => [name, value]));
  const isThere = ({ name, value }: Attribute) => {
    const other = others.get(name);
    return other !== undefined && Buffer.compare(value, other) === 0;
  };
  return mine.length === theirs.length && mine.every(isThere);
}
