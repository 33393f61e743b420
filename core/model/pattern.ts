import picomatch from 'picomatch/posix.js';
import { readClass } from './pattern-class.ts';
import { PatternError } from './pattern-error.ts';

/** A pattern of --exclude and --include, ready to be compared with names. */
export type Pattern = {
  /** It ended with a slash. */
  readonly onlyDirectories: boolean;
  /** It is compared with the whole path, else with the name alone. */
  readonly isOfPath: boolean;
  /** It ended with three stars: a directory is compared with a slash after its path. */
  readonly isOfTree: boolean;
  readonly fits: (compared: string) => boolean;
};

/** A pattern in pieces: what lies between slashes and double stars is for the matcher. */
type Piece =
  | { readonly kind: 'slash' }
  | { readonly kind: 'stars'; readonly count: number }
  | { readonly kind: 'glob'; readonly glob: string; readonly plain: string };

const matcherOptions = {
  dot: true,
  fastpaths: false,
  literalBrackets: false,
  nobrace: true,
  noext: true,
  noglobstar: true,
  nonegate: true,
  strictSlashes: true,
} as const;

/**
 * Understands a pattern as docs/filters.md says; throws a PatternError. What stands for names is picomatch's; slashes
 * and double stars mean what they mean to rsync.
 */
export function compilePattern(text: string): Pattern {
  if (text.startsWith('!')) {
    throw new PatternError('there is no pattern that begins with !; write \\! for a name that does');
  }
  let pieces = readPieces([...text]);
  const isAnchored = pieces[0]?.kind === 'slash';
  if (isAnchored) pieces = pieces.slice(1);
  const onlyDirectories = pieces.at(-1)?.kind === 'slash';
  if (onlyDirectories) pieces = pieces.slice(0, -1);
  refuseOddSteps(pieces);
  const isOfPath = isAnchored || pieces.some(({ kind }) => kind !== 'glob');
  const beginning = isOfPath && !isAnchored ? '^(?:.*/)?' : '^';
  const last = pieces.at(-1);
  const isOfTree =
    pieces.length > 1 && last?.kind === 'stars' && last.count > 2 && isEnd(pieces, pieces.length - 1);
  const body = pieces.map((_, at) => sourceOf(pieces, at)).join('');
  const regex = new RegExp(`${beginning}${body}$`, 'su');
  const fits = fitsPlainly(text) ?? ((compared: string) => regex.test(compared));
  return { onlyDirectories, isOfPath, isOfTree, fits };
}

/** A name, and an ending, of whole characters: most patterns are one of them, and are compared with the names of millions of entries. */
function fitsPlainly(text: string): Pattern['fits'] | undefined {
  const [, star, plain] = /^(\*?)([^*?[\\/\ud800-\udfff]+)\/?$/.exec(text) ?? [];
  if (plain === undefined) return undefined;
  return star === '' ? (compared) => compared === plain : (compared) => compared.endsWith(plain);
}

function readPieces(characters: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < characters.length; ) {
    const [first, second] = [characters[at]!, characters[at + 1]];
    if (first === '/' || (first === '\\' && second === '/')) {
      pieces.push({ kind: 'slash' });
      at += first === '/' ? 1 : 2;
    } else if (first === '*' && second === '*') {
      const begun = at;
      while (characters[at] === '*') at++;
      pieces.push({ kind: 'stars', count: at - begun });
    } else {
      const { glob, plain, end } = readGlob(characters, at);
      addGlob(pieces, glob, plain);
      at = end;
    }
  }
  return pieces;
}

function addGlob(pieces: Piece[], glob: string, plain: string): void {
  const last = pieces.at(-1);
  if (last?.kind !== 'glob') pieces.push({ kind: 'glob', glob, plain });
  else pieces[pieces.length - 1] = { kind: 'glob', glob: last.glob + glob, plain: last.plain + plain };
}

/** One character, wildcard or class. `plain` is the character itself, where it is one. */
function readGlob(
  characters: readonly string[],
  at: number,
): { readonly glob: string; readonly plain: string; readonly end: number } {
  const first = characters[at]!;
  if (first === '[') return { ...readClass(characters, at), plain: '[' };
  if (first === '*' || first === '?') return { glob: first, plain: first, end: at + 1 };
  if (first !== '\\') return { glob: quote(first), plain: first, end: at + 1 };
  const quoted = characters[at + 1];
  if (quoted === undefined) throw new PatternError('it ends with a \\ that quotes nothing');
  return { glob: quote(quoted), plain: quoted, end: at + 2 };
}

/** A character that would mean something to the matcher, in a class of its own. */
function quote(character: string): string {
  if (/[\\[\]^]/.test(character)) return `[\\${character}]`;
  return /["(){}|.?+*$]/.test(character) ? `[${character}]` : character;
}

function refuseOddSteps(pieces: readonly Piece[]): void {
  if (pieces.length === 0) throw new PatternError('it names nothing');
  for (const [at, piece] of pieces.entries()) {
    const [before, after] = [pieces[at - 1], pieces[at + 1]];
    const begins = before === undefined || before.kind === 'slash';
    if (piece.kind === 'slash' && (begins || after === undefined)) {
      throw new PatternError('there is nothing between two slashes');
    }
    const isWhole = begins && (after === undefined || after.kind === 'slash');
    if (isWhole && piece.kind === 'glob' && (piece.plain === '.' || piece.plain === '..')) {
      throw new PatternError(`no path has the step ${piece.plain}; begin with / at the source`);
    }
  }
}

function sourceOf(pieces: readonly Piece[], at: number): string {
  const [before, piece] = [pieces[at - 1], pieces[at]!];
  if (piece.kind === 'glob') return picomatch.parse(piece.glob, matcherOptions).output;
  if (piece.kind === 'slash') {
    // The one after stars belongs to them
    return before?.kind === 'stars' && isWholeStep(pieces, at - 1) ? '' : '/';
  }
  if (!isWholeStep(pieces, at)) return '.*';
  if (!isEnd(pieces, at)) return '(?:.*/)?';
  return piece.count > 2 && before !== undefined ? '.*' : '.+';
}

function isWholeStep(pieces: readonly Piece[], at: number): boolean {
  return (pieces[at - 1]?.kind ?? 'slash') === 'slash' && (pieces[at + 1]?.kind ?? 'slash') === 'slash';
}

function isEnd(pieces: readonly Piece[], at: number): boolean {
  return at === pieces.length - 1 && isWholeStep(pieces, at);
}
