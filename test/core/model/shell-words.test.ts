import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { fromBytes, toBytes } from '../../../core/model/names.ts';
import { quoteForShell } from '../../../core/model/shell-words.ts';
import { randomNumbers } from '../../helpers/random.ts';

/** What bash makes of the quoted words, one after the other, each ended by NUL. */
async function readBack(words: readonly string[], locale = 'C.UTF-8'): Promise<string[]> {
  const script = words.map((word) => `printf '%s\\0' ${quoteForShell(word)}\n`).join('');
  const { stdout } = await execa('bash', [], {
    input: toBytes(script),
    encoding: 'buffer',
    env: { LC_ALL: locale },
  });
  return fromBytes(stdout).split('\0').slice(0, -1);
}

const hostile = [
  '',
  ' ',
  "'",
  "it's",
  '"',
  '$HOME',
  '`id`',
  '$(id)',
  '\\',
  'a\\',
  '!!',
  '~',
  '~root',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '#x',
  '-n',
  '--',
  '-e',
  '%s',
  'a;b',
  'a&b',
  'a|b',
  '>x',
  '<x',
  'a=b',
  'a\nb',
  '\n',
  'a\n',
  '\t',
  '\r',
  '\u001b[31m',
  '\u0001' + '1',
  '\u007f',
  "\n'\\",
  'é',
  '\u0085',
  '\u2028',
  '\u202egpj',
  '😀',
  '\n😀é',
  '\udcff',
  'a\udc80\udcfe1',
  "\udce9'é\\\n",
  '$',
  "$'a'",
  '\ufeff',
];

describe('a word quoted for the shell', () => {
  test.each(['C.UTF-8', 'C'])('comes back from bash in the locale %s', async (locale) => {
    expect(await readBack(hostile, locale)).toEqual(hostile);
  });

  test('comes back from bash for every byte but NUL', async () => {
    const words = Array.from({ length: 255 }, (_, i) => fromBytes(Uint8Array.of(i + 1, 0x31, i + 1)));
    expect(await readBack(words)).toEqual(words);
  });

  test('comes back from bash for random bytes', async () => {
    const random = randomNumbers(3);
    const word = () => fromBytes(Uint8Array.from({ length: random(12) }, () => 1 + random(255)));
    const words = Array.from({ length: 2000 }, word);
    expect(await readBack(words)).toEqual(words);
  });

  test('is one line unless the reader of a log would see the break', () => {
    for (const word of hostile) expect(quoteForShell(word)).not.toMatch(/[\n\r]/);
  });

  test.each(['/gws/a_b-1.2/x', 'a@b', 'x=1:2,3%4+5'])('%s needs no quotes', (word) => {
    expect(quoteForShell(word)).toBe(word);
  });
});
