import { describe, expect, it } from 'vitest';
import { compareNames, comparePaths } from '../../../core/model/byte-order.ts';
import { fromBytes } from '../../../core/model/names.ts';
import { randomNumbers } from '../../helpers/random.ts';

const seed = Number(process.env.ORDER_SEED ?? Date.now() % 1e9);

describe(`names in the order of their bytes (ORDER_SEED=${seed})`, () => {
  it('are as Buffer.compare has them, whatever the bytes', () => {
    const random = randomNumbers(seed);
    // Those that make characters of two to four bytes, and those that make none
    const bytes = [0x2f, 0x61, 0x7f, 0x80, 0x9f, 0xbf, 0xc3, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff];
    const name = () => Buffer.from(Array.from({ length: random(6) }, () => bytes[random(bytes.length)]!));
    for (let i = 0; i < 20_000; i++) {
      const [one, other] = [name(), name()];
      const order = Math.sign(compareNames(fromBytes(one), fromBytes(other)));
      expect(order, `${one.toString('hex')} ${other.toString('hex')}`).toBe(Buffer.compare(one, other));
    }
  });

  it('make the order of paths that a walk has', () => {
    const random = randomNumbers(seed);
    const names = ['a', 'a b', 'a-b', 'ab', 'b', '\udcff', 'é', '\u{10000}'];
    const path = () => Array.from({ length: 1 + random(3) }, () => names[random(names.length)]!);
    for (let i = 0; i < 20_000; i++) {
      const [one, other] = [path(), path()];
      const at = one.findIndex((name, step) => name !== other[step]);
      const isLonger = at < 0 ? one.length - other.length : 0;
      const expected = at < 0 ? isLonger : other[at] === undefined ? 1 : compareNames(one[at]!, other[at]);
      const order = comparePaths(one.join('/'), other.join('/'));
      expect(Math.sign(order), `${one.join('/')} ${other.join('/')}`).toBe(Math.sign(expected));
    }
    expect(comparePaths('', 'a/b')).toBeLessThan(0);
  });

  it('are not in the order of UTF-16', () => {
    expect(compareNames('\u{10000}', '\uffff')).toBeGreaterThan(0);
    expect(compareNames('a', 'a/')).toBeLessThan(0);
  });
});
