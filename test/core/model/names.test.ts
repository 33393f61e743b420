import { describe, expect, test } from 'vitest';
import { fromBytes, quoteName, toBytes } from '../../../core/model/names.ts';

const bytesOf = (...values: number[]) => Uint8Array.from(values);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Compared as hexadecimal text outside of expect, which is slow a million times. */
function lost(bytes: Uint8Array): boolean {
  return hex(toBytes(fromBytes(bytes))) !== hex(bytes);
}

/** Deterministic, so that a failure can be seen again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('names', () => {
  test('every string of one byte comes back', () => {
    const failures = Array.from({ length: 256 }, (_, byte) => bytesOf(byte)).filter(lost);
    expect(failures).toEqual([]);
  });

  test('every string of two bytes comes back', () => {
    const failures = Array.from({ length: 65_536 }, (_, pair) => bytesOf(pair >> 8, pair & 255)).filter(lost);
    expect(failures).toEqual([]);
  });

  test('random strings of bytes come back, also long ones', () => {
    const next = randomNumbers(1);
    const interesting = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed];
    interesting.push(0xef, 0xf0, 0xf4, 0xf5, 0xff);
    for (let round = 0; round < 50_000; round++) {
      const length = next(round % 100 === 0 ? 300 : 8);
      const bytes = Uint8Array.from({ length }, () =>
        next(2) === 0 ? next(256) : interesting[next(interesting.length)]!,
      );
      if (lost(bytes)) expect.fail(`lost: ${hex(bytes)}`);
    }
  });

  test('two different byte strings are never the same text', () => {
    const texts = new Set<string>();
    for (let pair = 0; pair < 65_536; pair++) texts.add(fromBytes(bytesOf(pair >> 8, pair & 255)));
    expect(texts.size).toBe(65_536);
  });

  test('valid UTF-8 is itself, with its byte order mark', () => {
    const texts = [
      '',
      'a',
      'é',
      '€',
      '😀',
      '\u{10ffff}',
      '\ufeffa',
      'a\u0000b',
      'x'.repeat(300),
      'ü'.repeat(300),
    ];
    for (const text of texts) {
      expect(fromBytes(Buffer.from(text))).toBe(text);
      expect(hex(toBytes(text))).toBe(hex(Buffer.from(text)));
    }
  });

  test.each([
    ['a lone byte', [0x61, 0xff, 0x62], 'a\udcffb'],
    ['an overlong slash', [0xc0, 0xaf], '\udcc0\udcaf'],
    ['an overlong form of three bytes', [0xe0, 0x80, 0xaf], '\udce0\udc80\udcaf'],
    ['an overlong form of four bytes', [0xf0, 0x8f, 0xbf, 0xbf], '\udcf0\udc8f\udcbf\udcbf'],
    ['an encoded surrogate', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
    ['an encoded escape', [0xed, 0xb3, 0xbf], '\udced\udcb3\udcbf'],
    ['a number above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\udcf4\udc90\udc80\udc80'],
    ['a character cut short', [0xe2, 0x82], '\udce2\udc82'],
    ['a character cut short by another', [0xe2, 0x82, 0xc3, 0xa9], '\udce2\udc82é'],
    ['a bad byte after a pair of surrogates', [0xf0, 0x9f, 0x98, 0x80, 0x80], '😀\udc80'],
  ])('escapes each byte of %s', (_, bytes, text) => {
    expect(fromBytes(bytesOf(...bytes))).toBe(text);
    expect([...toBytes(text)]).toEqual(bytes);
  });

  test.each(['\ud800', 'a\udbff', '\udc00', '\udc7f', '\udd00x', '\udfff'])(
    'refuses %j, which is no byte',
    (text) => {
      expect(() => toBytes(text)).toThrow(RangeError);
    },
  );
});

describe('quoted names', () => {
  test.each([
    ['plain', 'plain'],
    ['/gws/a b/c.txt', '/gws/a b/c.txt'],
    ['café €', 'café €'],
    ['', '""'],
    [' x', '" x"'],
    ['x ', '"x "'],
    ['a\nb\tc', '"a\\nb\\tc"'],
    ['say "x"', '"say \\"x\\""'],
    ["it's", '"it\'s"'],
    ['a\\b', '"a\\\\b"'],
    ['a\u001b[31m', '"a\\033[31m"'],
    ['a\rb', '"a\\015b"'],
    ['\u007f', '"\\177"'],
    ['\u0085', '"\\302\\205"'],
    ['caf\udce91', '"caf\\3511"'],
    ['\u202egpj.exe', '"\\342\\200\\256gpj.exe"'],
    ['a\u00a0b', '"a\\302\\240b"'],
    ['a\u2028b', '"a\\342\\200\\250b"'],
  ])('%j is shown as %s', (name, shown) => {
    expect(quoteName(name)).toBe(shown);
  });

  test('different names are shown differently', () => {
    const shown = new Set<string>();
    for (let pair = 0; pair < 65_536; pair++) shown.add(quoteName(fromBytes(bytesOf(pair >> 8, pair & 255))));
    expect(shown.size).toBe(65_536);
  });
});
