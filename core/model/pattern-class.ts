import { PatternError } from './pattern-error.ts';

/** Names of classes, as in [[:alpha:]]; all of ASCII, and none has the slash. */
const named = new Map([
  ['alnum', 'a-zA-Z0-9'],
  ['alpha', 'a-zA-Z'],
  ['blank', ' \\t'],
  ['cntrl', '\\x00-\\x1f\\x7f'],
  ['digit', '0-9'],
  ['graph', '\\x21-\\x2e\\x30-\\x7e'],
  ['lower', 'a-z'],
  ['print', '\\x20-\\x2e\\x30-\\x7e'],
  ['punct', '\\x21-\\x2e\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e'],
  ['space', ' \\t\\r\\n\\v\\f'],
  ['upper', 'A-Z'],
  ['xdigit', 'A-Fa-f0-9'],
]);

/**
 * Reads the character class that begins at `characters[start]`: as the matcher takes it, and where it ends. A class
 * never has the slash.
 */
export function readClass(characters: readonly string[], start: number): { glob: string; end: number } {
  let at = start + 1;
  const isNegated = characters[at] === '!' || characters[at] === '^';
  if (isNegated) at++;
  let items = '';
  for (const first = at; at === first || characters[at] !== ']'; ) {
    const item = readItem(characters, at);
    items += item.source;
    at = item.end;
  }
  if (items === '' && !isNegated) throw new PatternError('a class in it stands for no character');
  return { glob: isNegated ? `[^${items}/]` : `[${items}]`, end: at + 1 };
}

function readItem(characters: readonly string[], at: number): { source: string; end: number } {
  if (characters[at] === '[' && characters[at + 1] === ':') {
    const end = characters.indexOf(']', at + 2);
    const name = characters.slice(at + 2, end - 1).join('');
    const source = characters[end - 1] === ':' ? named.get(name) : undefined;
    if (source === undefined) throw new PatternError('it names a class of characters that there is not');
    return { source, end: end + 1 };
  }
  const low = readOne(characters, at);
  const isRange = characters[low.end] === '-' && characters[low.end + 1] !== ']';
  if (!isRange) return { source: low.code === slash ? '' : inClass(low.code), end: low.end };
  const high = readOne(characters, low.end + 1);
  return { source: range(low.code, high.code), end: high.end };
}

function readOne(characters: readonly string[], at: number): { code: number; end: number } {
  const place = characters[at] === '\\' ? at + 1 : at;
  const character = characters[place];
  if (character === undefined) throw new PatternError('a [ in it is not closed');
  return { code: character.codePointAt(0)!, end: place + 1 };
}

const slash = 0x2f;

/** A range is cut where the slash would be in it. */
function range(low: number, high: number): string {
  if (low > high) throw new PatternError('a range in it ends before it begins');
  if (low > slash || high < slash) return `${inClass(low)}-${inClass(high)}`;
  const below = low < slash ? `${inClass(low)}-${inClass(slash - 1)}` : '';
  return high > slash ? `${below}${inClass(slash + 1)}-${inClass(high)}` : below;
}

/** By its number, where it would mean something in a class. */
function inClass(code: number): string {
  const character = String.fromCodePoint(code);
  return /[\w\u0080-\u{10ffff}]/u.test(character) ? character : `\\x${code.toString(16).padStart(2, '0')}`;
}
