import { directory, fifo, file, hardLinkTo, symlinkTo, type Tree, tree } from '../helpers/tree.ts';

const [KiB, MiB] = [2 ** 10, 2 ** 20];
const year = 365.25 * 86_400;
const seconds = (count: number, ns = 123_456_789n) => BigInt(Math.trunc(count)) * 1_000_000_000n + ns;
/** More than any buffer, and no multiple of one. */
export const bytes = Buffer.alloc(3 * MiB + 17, 'bcopy, ');

/** Modes that keep an ordinary user from looking at what arrived. */
const forRoot = process.getuid?.() === 0 ? [0o0] : [];

/** A tree for each thing that must arrive as it is. */
export const treesToCopy: Record<string, Tree> = {
  'files of every size': {
    empty: '',
    small: 'x',
    page: 'y'.repeat(4096),
    'a buffer': file(bytes.subarray(0, 256 * KiB)),
    'a buffer and a byte': file(bytes.subarray(0, 256 * KiB + 1)),
    large: file(bytes),
  },
  modes: Object.fromEntries(
    [...forRoot, 0o400, 0o644, 0o777, 0o1644, 0o2755, 0o4755, 0o7777].map((mode) => [
      `file of ${mode.toString(8)}`,
      file('x', { mode }),
    ]),
  ),
  'modes of directories': Object.fromEntries(
    [...forRoot, 0o555, 0o700, 0o1777, 0o2755].map((mode) => [
      `directory of ${mode.toString(8)}`,
      directory({ inside: directory({ x: 'x' }, { mode }) }, { mode, mtimeNs: 1n }),
    ]),
  ),
  times: {
    old: file('x', { mtimeNs: seconds(-60 * year) }),
    'just before 1970': file('x', { mtimeNs: -1n }),
    1970: file('x', { mtimeNs: 0n }),
    'after 2038': file('x', { mtimeNs: seconds(70 * year) }),
    'after 2106': file('x', { mtimeNs: seconds(200 * year, 999_999_999n) }),
    'a directory after 2106': directory({ x: 'x' }, { mtimeNs: seconds(200 * year) }),
    'a symlink before 1970': symlinkTo('x', { mtimeNs: seconds(-9 * year) }),
    'a FIFO after 2106': fifo({ mtimeNs: seconds(200 * year) }),
  },
  symlinks: tree([
    ['dangling', symlinkTo('not/there')],
    ['absolute', symlinkTo('/etc/passwd')],
    ['up', symlinkTo('../../../..')],
    ['to itself', symlinkTo('to itself')],
    ['to a directory', symlinkTo('d')],
    ['of 4095 bytes', symlinkTo(`${'x/'.repeat(2047)}y`)],
    ['not UTF-8', symlinkTo(Buffer.from([0xff, 0x2f, 0xe9]))],
    ['d', { x: 'x' }],
  ]),
  names: tree([
    ['x'.repeat(255), 'long'],
    [Buffer.alloc(255, 0xff), 'long and not UTF-8'],
    ['é'.repeat(127), symlinkTo('x')],
    [Buffer.from([0xe9, 0x0a, 0x80]), tree([[Buffer.from([0xfe]), 'x']])],
    ['a\nb', 'x'],
    ['"', "'"],
    ['\\', '-n'],
    ['-rf', fifo()],
    [' ', ' '],
    ['*', '?'],
    ['__proto__', 'x'],
    ['\u0001\u001b[31m', 'x'],
    ['...', { '....': 'x' }],
    ['.bcopy', 'x'],
  ]),
  'hard links': {
    a: 'x',
    b: hardLinkTo('a'),
    d: { a: hardLinkTo('a'), e: { f: hardLinkTo('a') } },
    s: symlinkTo('a'),
  },
  'empty directories': { a: {}, b: { c: { d: {} } }, e: directory({}, { mode: 0o700 }) },
  FIFOs: { a: fifo(), b: fifo({ mode: 0o600 }), c: fifo({ mode: 0o777 }) },
};
