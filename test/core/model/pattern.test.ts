import { expect, test } from 'vitest';
import { EntryFilter } from '../../../core/model/filters.ts';
import { fromBytes } from '../../../core/model/names.ts';
import { compilePattern } from '../../../core/model/pattern.ts';

/** Whether a pattern fits a path; one that ends with a slash is a directory. */
function fits(pattern: string, path: string): boolean {
  const filter = new EntryFilter({ rules: [{ kind: 'exclude', pattern }] });
  const steps = path.replace(/\/$/, '').split('/');
  return filter.excludes(steps.slice(0, -1).join('/'), steps.at(-1)!, path.endsWith('/'));
}

const bad = fromBytes(Uint8Array.of(0x63, 0xe9));

// The rows of docs/filters.md
test.each([
  [
    'a name without a slash, at any depth',
    'core',
    ['core', 'a/core', 'a/b/core/'],
    ['cores', 'core/a', 'Core'],
  ],
  ['a leading slash, at the source', '/core', ['core', 'core/'], ['a/core']],
  ['a trailing slash, directories only', 'core/', ['core/', 'a/core/'], ['core', 'a/core']],
  ['a slash inside, the end of a path', 'a/b', ['a/b', 'x/a/b', 'x/y/a/b/'], ['a/c/b', 'xa/b', 'a/b/c']],
  ['a leading slash and more', '/a/b', ['a/b'], ['x/a/b', 'b']],
  ['* is any characters but /', '*.o', ['.o', 'a.o', 'a/b.o', '.a.o'], ['a.oo', 'a.o/b']],
  ['* may be nothing', 'a*b*', ['ab', 'axb', 'abx'], ['a/b', 'ba']],
  ['* does not cross a slash', '/a/*/c', ['a/b/c', 'a/.b/c'], ['a/c', 'a/b/b/c']],
  ['* alone is every name', '*', ['a', 'a/b', '.a', '..a', 'a\nb'], []],
  ['? is one character but /', 'a?c', ['abc', 'a.c', 'aéc', 'a\u{1f600}c', 'a\nc'], ['ac', 'abbc', 'a/c']],
  ['** as a step is any number of directories', '/a/**/c', ['a/c', 'a/b/c', 'a/b/b/c'], ['c', 'a', 'b/a/c']],
  ['** at the beginning', '**/c', ['c', 'a/c', 'a/b/c'], ['ac', 'c/a']],
  ['** at the end is all that is inside', 'a/**', ['a/b', 'a/b/c', 'x/a/b'], ['a', 'b/a', 'a/']],
  ['*** at the end is the directory too', '/a/***', ['a/', 'a/b', 'a/b/c'], ['a', 'b', 'ab', 'x/a']],
  ['** inside a name crosses slashes', '/a**c', ['ac', 'abc', 'ab/c', 'a/b/bc'], ['b/ac', 'acb']],
  ['** alone is everything', '**', ['a', 'a/b', '.a/b'], []],
  ['a class', '[a-c]x', ['ax', 'bx', 'cx'], ['dx', 'x', '[a-c]x', 'Ax', 'abx']],
  ['a class of what is not in it', '[!a-c]x', ['dx', '-x', '\u{1f600}x'], ['ax', 'x']],
  ['the same with ^', '[^a]x', ['bx', '^x'], ['ax']],
  ['a class never is a slash', 'a[^b]c', ['axc'], ['a/c']],
  ['nor does a range have one', '/a[+-:]c', ['a-c', 'a0c', 'a.c', 'a:c'], ['a/c', 'abc']],
  ['a ] that is first, a - that is first or last', '[]-]x', [']x', '-x'], ['x']],
  ['a - at the end', '[a-]x', ['ax', '-x'], ['bx']],
  ['odd characters of a class', '[[!"^:\\\\|]x', ['[x', '!x', '"x', '^x', ':x', '\\x', '|x'], ['ax']],
  ['a quoted character of a class', '[\\]\\!a]x', [']x', '!x', 'ax'], ['\\x']],
  ['a named class', '[[:digit:]_]x', ['1x', '_x'], ['ax', ':x']],
  ['the opposite of a named class', '[^[:alpha:]]x', ['1x', 'éx'], ['ax']],
  ['\\ quotes', '\\*\\?\\[\\\\\\a', ['*?[\\a'], ['xx[\\a']],
  ['a slash is a slash when quoted too', 'a\\/b', ['a/b'], ['ab']],
  [
    'what means something elsewhere does not here',
    'a{b,c}(d|e)+(f)@(g)!(h)"i"$^.',
    ['a{b,c}(d|e)+(f)@(g)!(h)"i"$^.'],
    ['ab'],
  ],
  ['nor does it at the beginning', '(a)', ['(a)'], ['a']],
  ['a quoted ! at the beginning', '\\!a', ['!a'], ['a']],
  ['capitals are not small letters', 'Abc', ['Abc'], ['abc', 'ABC']],
  ['names of more bytes than letters', 'é*', ['é', 'éa'], ['e', 'a']],
  ['a name that is no valid UTF-8', bad, [bad], ['c', 'cé', 'c\ufffd']],
  ['a byte that is no valid UTF-8 is one character', 'c?', [bad], [`${bad}x`]],
  [
    'and no end of another character',
    `*${fromBytes(Uint8Array.of(0xc0))}`,
    [`a${fromBytes(Uint8Array.of(0xc0))}`],
    ['a\u{100c0}'],
  ],
  ['and one of no class of letters', 'c[[:alpha:]]', ['cx'], [bad]],
  ['dots', '.*', ['.a', '..a', '...'], ['a.']],
  ['a dot is a dot', 'a.c', ['a.c'], ['abc']],
])('%s: %s', (_, pattern, matching, others) => {
  expect(matching.filter((path) => !fits(pattern, path))).toEqual([]);
  expect(others.filter((path) => fits(pattern, path))).toEqual([]);
});

test.each([
  ['', 'it names nothing'],
  ['/', 'it names nothing'],
  ['a//b', 'nothing between two slashes'],
  ['//a', 'nothing between two slashes'],
  ['a//', 'nothing between two slashes'],
  ['./a', 'no path has the step .'],
  ['a/../b', 'no path has the step ..'],
  ['[a', 'is not closed'],
  ['a[', 'is not closed'],
  ['[]', 'is not closed'],
  ['[a\\', 'is not closed'],
  ['[[:alpha:]', 'is not closed'],
  ['[[:letters:]]', 'a class of characters that there is not'],
  ['[[:alpha]', 'a class of characters that there is not'],
  ['[z-a]', 'ends before it begins'],
  ['[/]', 'stands for no character'],
  ['a\\', 'quotes nothing'],
  ['!a', 'begins with !'],
])('%s is no pattern', (pattern, why) => {
  expect(() => compilePattern(pattern)).toThrow(why);
});
