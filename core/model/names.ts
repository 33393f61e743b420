/**
 * File names are bytes; in this program they are text from which the bytes come back. Valid UTF-8 is itself, and any
 * other byte b (always 0x80 or more) is the lone surrogate U+DC00+b, as in Python's surrogateescape.
 */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const loneSurrogate = /\p{Surrogate}/u;
const shortName = 64;

/** Total and lossless: `toBytes(fromBytes(bytes))` equals `bytes` for every byte string. */
export function fromBytes(bytes: Uint8Array): string {
  if (bytes.length <= shortName && isAscii(bytes)) {
    return String.fromCharCode.apply(null, bytes as unknown as number[]);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return escapeBadBytes(bytes);
  }
}

/** The bytes of a text that `fromBytes` made, or of any text without other lone surrogates; those are a RangeError. */
export function toBytes(text: string): Uint8Array {
  return loneSurrogate.test(text) ? unescapeBadBytes(text) : encoder.encode(text);
}

/**
 * A name as people can read and tell apart, always on one line: as it is when it is plain, else in double quotes
 * with C escapes (\n, \t, \", \\, and three octal digits for each other byte), as `ls -Q` and git write it.
 */
export function quoteName(text: string): string {
  if (text !== '' && !needsQuotes.test(text)) return text;
  return `"${text.replace(needsEscape, escapeCharacter)}"`;
}

/** Several names in a sentence, of many only the first. */
export function quoteNames(names: readonly string[], atMost = 3): string {
  const more = names.length - atMost;
  const shown = names.slice(0, atMost).map(quoteName).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! > 0x7f) return false;
  return true;
}

/** Valid stretches are decoded together; a byte that begins no valid character is escaped by itself. */
function escapeBadBytes(bytes: Uint8Array): string {
  let text = '';
  let [validFrom, at] = [0, 0];
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += decoder.decode(bytes.subarray(validFrom, at)) + String.fromCharCode(0xdc00 + bytes[at]!);
      validFrom = at + 1;
    }
    at += length || 1;
  }
  return text + decoder.decode(bytes.subarray(validFrom));
}

/** How many bytes the valid character at this place has, 0 where there is none (Unicode 15, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const [low, high] = secondByteRange.get(first) ?? [0x80, 0xbf];
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** What keeps overlong forms, encoded surrogates and numbers above U+10FFFF out. */
const secondByteRange = new Map<number, readonly [number, number]>([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

function unescapeBadBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0xd800 || code > 0xdfff) {
      length += encoder.encodeInto(character, bytes.subarray(length)).written;
    } else if (code >= 0xdc80 && code <= 0xdcff) {
      bytes[length++] = code - 0xdc00;
    } else {
      throw new RangeError(`no byte is meant by the lone surrogate U+${code.toString(16).toUpperCase()}`);
    }
  }
  return bytes.slice(0, length);
}

/** Characters that are not seen, or that do something to a terminal: controls, formats, separators but the blank. */
const unseen = String.raw`\p{C}\p{Zl}\p{Zp}[\p{Zs}--\x20]`;
const needsQuotes = new RegExp(String.raw`[${unseen}"'\\]|^ | $`, 'v');
const needsEscape = new RegExp(String.raw`[${unseen}"\\]`, 'gv');

const shortEscapes = new Map([
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['"', '\\"'],
  ['\\', '\\\\'],
]);

function escapeCharacter(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  return Array.from(toBytes(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
