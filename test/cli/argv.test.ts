import { describe, expect, test } from 'vitest';
import { readRawArguments } from '../../cli/argv.ts';

const cmdline = (...items: (string | number[])[]) =>
  Buffer.concat(items.flatMap((item) => [Buffer.from(item as string), Buffer.from([0])]));

describe('the words of the command line', () => {
  test('keep bytes that are no valid UTF-8', () => {
    const argv = ['/usr/bin/node', '/opt/bcopy', '-s', 'a\ufffd', '-d', 'é\n'];
    const raw = cmdline('node', '--enable-source-maps', 'bcopy', '-s', [0x61, 0xff], '-d', 'é\n');
    expect(readRawArguments(argv, raw)).toEqual(['-s', 'a\udcff', '-d', 'é\n']);
  });

  test('keep empty words', () => {
    const argv = ['node', 'bcopy', '', '-s', ''];
    expect(readRawArguments(argv, cmdline('node', 'bcopy', '', '-s', ''))).toEqual(['', '-s', '']);
  });

  test('are none when nothing was typed', () => {
    expect(readRawArguments(['node', 'bcopy'], cmdline('node', 'bcopy'))).toEqual([]);
  });

  test('are those of argv where there is no /proc', () => {
    expect(readRawArguments(['node', 'bcopy', 'a\ufffd'], new Uint8Array())).toEqual(['a\ufffd']);
  });

  test('are those of argv when the process has been given another title', () => {
    expect(readRawArguments(['node', 'bcopy', '-s', 'a'], cmdline('some', 'other', 'title'))).toEqual([
      '-s',
      'a',
    ]);
  });
});
