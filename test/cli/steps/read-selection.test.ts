import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../../cli/command-line.ts';
import { readCopyOptions } from '../../../cli/options.ts';
import { isSameSelection, readSelection, type Selection } from '../../../cli/steps/read-selection.ts';
import { BcopyError } from '../../../core/model/errors.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bcopy-selection-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const now = Date.UTC(2026, 10, 21, 12);
const surroundings = { environment: {}, node: '/node', workerBundle: '/worker', systemConfig: '/none' };

async function selectionOf(...words: string[]): Promise<Selection> {
  const line = await parseCommandLine(['-s', 'a', '-d', 'b', ...words], '1.2.3');
  if (line.kind === 'text') return expect.fail(line.text);
  return readSelection(await readCopyOptions(line.flags, surroundings), now);
}

async function refusalOf(...words: string[]): Promise<string> {
  const error = await selectionOf(...words).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BcopyError)) return expect.fail(`not refused: ${error}`);
  expect(error.kind).toBe('usage');
  expect(error.message).not.toContain('\n');
  return error.message;
}

function file(content: string | Uint8Array, name = 'list'): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

const namesOf = ({ listed }: Selection) =>
  Object.fromEntries(
    Array.from(listed ?? [], ([path, blocks]) => [
      path,
      blocks
        .map((block) =>
          Buffer.from(block)
            .toString('latin1')
            .replace(/[^!-~\xff]+/g, ' '),
        )
        .join(''),
    ]),
  );

test('without filters all is meant, and the run says nothing', async () => {
  expect(await selectionOf()).toEqual({ filters: {}, listed: undefined, recorded: undefined });
});

test('rules keep the order in which they were typed', async () => {
  const from = file('# a comment\n; another\n\nd\n+ e\n- f\n#g\n', 'patterns');
  const words = ['--exclude', 'a', '--include=b', '--exclude=c', '--exclude-from', from, '--include', 'h'];
  const { filters } = await selectionOf(...words);
  expect(filters.rules?.map(({ kind, pattern }) => `${kind} ${pattern}`)).toEqual([
    'exclude a',
    'include b',
    'exclude c',
    'exclude d',
    'include e',
    'exclude f',
    'include h',
  ]);
});

test('patterns in a file may come from an editor of Windows', async () => {
  const from = file('\ufeff*.o\r\n\r\n# a comment\r\n+ keep\r\nlast\r', 'patterns');
  const { filters } = await selectionOf('--exclude-from', from);
  expect(filters.rules?.map(({ kind, pattern }) => `${kind} ${pattern}`)).toEqual([
    'exclude *.o',
    'include keep',
    'exclude last',
  ]);
  const only = await selectionOf('--exclude-from', file('\ufeff\r\n', 'empty'));
  expect(only.filters).toEqual({});
});

test('a pattern may begin with a dash, a quote, or hold an equals sign', async () => {
  const { filters } = await selectionOf('--exclude=-a', '--exclude="b"', '--exclude=c=d');
  expect(filters.rules?.map(({ pattern }) => pattern)).toEqual(['-a', '"b"', 'c=d']);
});

test('sizes and ages', async () => {
  const { filters, recorded } = await selectionOf(
    ...['--newer', '7d', '--older=30m', '--min-size', '1K', '--max-size', '2K', '-x', '--directories-only'],
  );
  const expected = {
    newerMs: now - 7 * 86_400_000,
    olderMs: now - 1_800_000,
    minBytes: 1024,
    maxBytes: 2048,
    oneFileSystem: true,
    directoriesOnly: true,
  };
  expect(filters).toEqual(expected);
  expect(recorded).toEqual({ ...expected, given: { newer: '7d', older: '30m' } });
});

describe('a list of files', () => {
  test('has one in each line; what changes nothing is taken out', async () => {
    const selection = await selectionOf('--files-from', file('./a//b\n\nc/\nc\n #d\ne'));
    expect(namesOf(selection)).toEqual({
      '': expect.stringMatching(/a.*c.*#d.*e/),
      a: expect.stringMatching(/b/),
    });
    expect(selection.recorded?.listed).toEqual({
      entries: 4,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('may be separated by NUL, and hold any bytes', async () => {
    const bytes = Buffer.from('a\nb\0c\xff\0', 'latin1');
    const selection = await selectionOf('--files-from', file(bytes), '--null');
    expect(selection.recorded?.listed?.entries).toBe(2);
    expect(namesOf(selection)['']).toMatch(/a b.*c\xff/);
  });

  test('that has the source itself means all of it', async () => {
    expect((await selectionOf('--files-from', file('a\n.\n'))).listed).toBe(undefined);
  });

  test('that is empty means nothing', async () => {
    expect(namesOf(await selectionOf('--files-from', file('\n')))).toEqual({ '': '' });
  });
});

test.each([
  [['--exclude', 'a['], 'cannot use --exclude a[: a [ in it is not closed'],
  [['--include', '[z-a]'], 'cannot use --include [z-a]: a range in it ends before it begins'],
  [['--exclude', '!a'], 'cannot use --exclude !a: there is no pattern that begins with !'],
  [['--newer', '1h', '--older', '2h'], 'cannot use --newer 1h with --older 2h: nothing is both'],
  [['--min-size', '2K', '--max-size', '1K'], 'cannot use --min-size 2K with --max-size 1K: no file is both'],
  [
    ['--delete', '--files-from', '/nowhere/list'],
    'cannot use --delete with --files-from: what is not in the list',
  ],
  [['--null'], 'cannot use --null: there is no --files-from'],
  [['--newer', 'yesterday'], 'cannot use --newer yesterday: it must be an age'],
  [['--max-size', 'much'], 'cannot use --max-size much: it must be a size'],
  [['--files-from', '/nowhere/list'], 'cannot read --files-from /nowhere/list: it does not exist'],
  [['--exclude-from', '/'], 'cannot read --exclude-from /: it is a directory'],
])('%j is refused', async (words, why) => {
  expect(await refusalOf(...words)).toContain(why);
});

test.each([
  ['a\n../b\n', 'line 2: ../b: it must stay inside the source, and has a step ..'],
  ['a/../b\n', 'line 1: a/../b: it must stay inside the source, and has a step ..'],
  ['a\n\n/b\n', 'line 3: /b: it must be relative to the source, and begins with /'],
  ['a\0b\n', 'no name holds NUL'],
  [`${'x'.repeat(256)}\n`, 'no name has more than 255 bytes'],
])('a list %j is refused by its line', async (content, why) => {
  expect(await refusalOf('--files-from', file(content))).toContain(why);
});

test('a file of patterns is refused by its line', async () => {
  expect(await refusalOf('--exclude-from', file('a\nb[\n'))).toMatch(
    /line 2: b\[: a \[ in it is not closed$/,
  );
});

test('runs with the same filters are the same, whenever they are made', async () => {
  const recordedOf = async (...words: string[]) => (await selectionOf(...words)).recorded;
  const one = await recordedOf('--exclude', 'a', '--newer', '7d');
  expect(isSameSelection(one, { ...one, newerMs: 1 })).toBe(true);
  expect(isSameSelection(one, await recordedOf('--exclude', 'b', '--newer', '7d'))).toBe(false);
  expect(isSameSelection(one, await recordedOf('--exclude', 'a', '--newer', '8d'))).toBe(false);
  expect(isSameSelection(undefined, undefined)).toBe(true);
  expect(isSameSelection(one, undefined)).toBe(false);
  const listed = await recordedOf('--files-from', file('a\n'));
  expect(isSameSelection(listed, await recordedOf('--files-from', file('b\n')))).toBe(false);
  expect(isSameSelection(listed, await recordedOf('--files-from', file('./a\n')))).toBe(true);
});
