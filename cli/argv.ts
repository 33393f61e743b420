import { fromBytes } from '../core/model/names.ts';

/**
 * The words after the program's name, byte for byte: Node turns bytes that are no valid UTF-8 into U+FFFD, the
 * content of /proc/self/cmdline still has them. Where that is empty, or does not tell the same words, argv stands.
 */
export function readRawArguments(argv: readonly string[], cmdline: Uint8Array): string[] {
  const seen = argv.slice(2);
  if (seen.length === 0) return [];
  const raw = splitAtNul(cmdline).slice(-seen.length).map(fromBytes);
  const agrees = raw.length === seen.length && seen.every((word, at) => isSameWord(word, raw[at]!));
  return agrees ? raw : seen;
}

function splitAtNul(bytes: Uint8Array): Uint8Array[] {
  const items: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    items.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return items;
}

function isSameWord(seen: string, raw: string): boolean {
  return seen === raw || seen.includes('\ufffd');
}
