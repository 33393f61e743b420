import { toBytes } from './names.ts';

/**
 * Compares two names by their bytes, as `LC_ALL=C sort` does: negative when the first comes before. Text is compared by
 * UTF-16 units otherwise, which is another order beyond ASCII.
 */
export function compareNames(one: string, other: string): number {
  const both = Math.min(one.length, other.length);
  let at = 0;
  while (at < both && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  if (at === both) return one.length - other.length;
  const [first, second] = [one.charCodeAt(at), other.charCodeAt(at)];
  return first < 0x80 || second < 0x80 ? first - second : compareBytes(toBytes(one), toBytes(other));
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const both = Math.min(one.length, other.length);
  for (let at = 0; at < both; at++) if (one[at] !== other[at]) return one[at]! - other[at]!;
  return one.length - other.length;
}

/** Compares two paths as a walk meets them: name by name, and a directory before what is in it. */
export function comparePaths(one: string, other: string): number {
  let from = 0;
  for (;;) {
    const [end, otherEnd] = [one.indexOf('/', from), other.indexOf('/', from)];
    const name = one.slice(from, end < 0 ? undefined : end);
    const order = compareNames(name, other.slice(from, otherEnd < 0 ? undefined : otherEnd));
    if (order !== 0) return order;
    if (end < 0 || otherEnd < 0) return Math.sign(end) - Math.sign(otherEnd);
    from = end + 1;
  }
}
