import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfigFile } from '../../cli/config-files.ts';
import type { BcopyError } from '../../core/model/errors.ts';

const rules = {
  keys: ['account', 'partition', 'wait', 'sbatch-arg'],
  onlyTyped: ['source'],
  mustExist: false,
};

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bcopy-config-'));
  file = join(directory, 'config.yaml');
});
afterEach(() => rm(directory, { recursive: true }));

async function read(text: string) {
  await writeFile(file, text);
  return readConfigFile(file, rules);
}

test('each key is a setting that tells where it stands', async () => {
  expect(await read('# mine\naccount: 010\n\nwait: true\nsbatch-arg: [--nice, 1e3]\n')).toEqual([
    { name: 'account', value: '010', said: `account in ${file} line 2`, origin: 'file' },
    { name: 'wait', value: true, said: `wait in ${file} line 4`, origin: 'file' },
    { name: 'sbatch-arg', value: ['--nice', '1e3'], said: `sbatch-arg in ${file} line 5`, origin: 'file' },
  ]);
});

test.each(['', '# nothing\n', '---\n'])('a file that holds %j says nothing', async (text) => {
  expect(await read(text)).toEqual([]);
});

test('a file that is not there says nothing, unless it must be there', async () => {
  const missing = join(directory, 'missing.yaml');
  expect(await readConfigFile(missing, rules)).toEqual([]);
  const refused = readConfigFile(missing, { ...rules, mustExist: true });
  await expect(refused).rejects.toThrow(`cannot use ${missing}: ENOENT`);
});

test('a file that cannot be read is refused', async () => {
  await expect(readConfigFile(directory, rules)).rejects.toThrow(`cannot use ${directory}: EISDIR`);
});

describe('refused with file and line', () => {
  test.each([
    ['# mine\npartiton: x\n', 'line 2: there is no key partiton'],
    ['a\u0007: x\n', 'line 1: there is no key "a\\007"'],
    ['wait: true\nsource: /x\n', 'line 2: source is given on the command line only'],
    ['wait: true\nwait: false\n', 'line 2: map keys must be unique'],
    ['wait: [\n', 'line 2: flow sequence'],
    ['- wait\n', 'line 1: it is not a list of lines `key: value`'],
    ['words\n', 'line 1: it is not a list of lines `key: value`'],
    ['wait: !x true\n', 'line 1: unresolved tag: !x'],
    ['? [a]\n: b\n', 'line 1: there is no key ""'],
    ['wait: true\n---\nwait: false\n', 'line 2: source contains multiple documents'],
  ])('%j', async (text, sentence) => {
    const error = await read(text).catch((thrown: BcopyError) => thrown as BcopyError);
    const { message, exitCode } = error as BcopyError;
    const start = `cannot use ${file} ${sentence}`;
    expect(message.slice(0, start.length)).toBe(start);
    expect(message).not.toContain('\n');
    expect(exitCode).toBe(2);
  });

  test('and the nearest key', async () => {
    await expect(read('partiton: x\n')).rejects.toMatchObject({ hint: 'the nearest is partition' });
  });
});
