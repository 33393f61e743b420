import { isKept, knowsNone, noteNone, placeOf, split } from './extended-attributes.ts';
import { addressOf, ENOSYS, EOPNOTSUPP, EPERM, type NativeName } from './libc.ts';
import { listxattrAt, llistxattrAsync, llistxattrAt, stpcpy } from './libc-attributes.ts';
import { goTo } from './own-directory.ts';

// Whether files have attributes that a copy may keep, asked by their names, for who only wants to know that they have none

const list = Buffer.allocUnsafeSlow(512);
const listAt = addressOf(list);
/** The list met last that has nothing to be kept: where there is one on each file it is always the same. */
let nothingKept = new Uint8Array(0);
/** False as soon as the kernel has said that it knows no call for names in open directories. */
let hasListAt = true;
/** More than a name takes, and the way to it: on some file systems a name is longer than 255 bytes, but no call takes more than 4095. */
const path = Buffer.allocUnsafeSlow(4096 + 64);
const pathAt = addressOf(path);
const dot = Buffer.from('.\0');
/** The address of a name for the directory itself. */
export const dotAt = addressOf(dot);

/** False when the file system says that the name, at this address and in the thread's own directory, has no attributes that a copy may keep. */
export function mayHaveAttributes(name: number): boolean {
  return mayHoldKept(llistxattrAt(name, listAt, list.length));
}

/** The same of a name in an open directory, whatever the thread's own is, on the file system of this device. */
export function mayHaveAttributesIn(directory: number, name: number, device: number): boolean {
  if (knowsNone(device)) return false;
  const bytes = listIn(directory, name);
  if (bytes === EOPNOTSUPP) noteNone(device);
  return mayHoldKept(bytes);
}

/** The same of a name without waiting. */
export async function mayHaveAttributesAsync(
  directory: number,
  name: NativeName,
  device: number,
): Promise<boolean> {
  if (knowsNone(device)) return false;
  const names = Buffer.allocUnsafeSlow(list.length);
  const bytes = await llistxattrAsync(placeOf(directory, name), names, names.length);
  if (bytes === EOPNOTSUPP) noteNone(device);
  return mayHoldKept(bytes, names);
}

function listIn(directory: number, name: number): number {
  if (goTo(directory)) return llistxattrAt(name, listAt, list.length);
  const bytes = hasListAt ? listxattrAt(directory, name, listAt, list.length) : ENOSYS;
  // Containers of some years ago refuse calls that they do not know
  if (bytes !== ENOSYS && bytes !== EPERM) return bytes;
  hasListAt = false;
  pathTo(directory, name);
  return llistxattrAt(pathAt, listAt, list.length);
}

/** What calls are given that take no directory; holds until the next. */
export function pathTo(directory: number, name: number): NativeName {
  const start = path.write(`/proc/self/fd/${directory}/`);
  stpcpy(pathAt + start, name);
  return path;
}

/** What a call that lists attributes has returned, and left in its buffer. */
function mayHoldKept(bytes: number, names = list): boolean {
  if (bytes <= 0) return bytes !== 0 && bytes !== EOPNOTSUPP;
  if (bytes === nothingKept.length && names.compare(nothingKept, 0, bytes, 0, bytes) === 0) return false;
  if (split(names.subarray(0, bytes)).some(isKept)) return true;
  nothingKept = Uint8Array.from(names.subarray(0, bytes));
  return false;
}
