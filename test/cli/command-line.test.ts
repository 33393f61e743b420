import { describe, expect, test } from 'vitest';
import { type Flags, parseCommandLine } from '../../cli/command-line.ts';
import { copyTable } from '../../cli/option-tables/copy.ts';
import { readCopyOptions } from '../../cli/options.ts';
import { BcopyError } from '../../core/model/errors.ts';

async function flagsOf(...words: string[]): Promise<Flags> {
  const line = await parseCommandLine(words, '1.2.3');
  return line.kind === 'command' ? line.flags : expect.fail(line.text);
}

async function refusalOf(...words: string[]): Promise<BcopyError> {
  const error = await parseCommandLine(words, '1.2.3').then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof BcopyError ? error : expect.fail(`not refused: ${words.join(' ')}: ${error}`);
}

describe('help and version', () => {
  test('help is as people know it', async () => {
    const line = await parseCommandLine(['--help'], '1.2.3');
    await expect(line.kind === 'text' && line.text).toMatchFileSnapshot('../golden/help.txt');
  });

  test('help tells the defaults that the options have', async () => {
    const flags = { source: 'a', destination: 'b' };
    const surroundings = { environment: {}, node: '/node', workerBundle: '/worker', systemConfig: '/none' };
    const { cpusPerTask } = await readCopyOptions(flags, surroundings);
    const helpOf = (name: string) => copyTable.find((spec) => spec.name === name)?.help;
    expect(helpOf('cpus-per-task')).toContain(`(default: ${cpusPerTask})`);
  });

  test('no line of the help is wider than the terminal that it is made for', async () => {
    const line = await parseCommandLine(['--help'], '1.2.3');
    const lines = line.kind === 'text' ? line.text.split('\n') : [];
    expect(lines.filter((text) => text.length > 100)).toEqual([]);
  });

  test.each(['status', 'logs', 'cancel', 'clean', 'undo', 'remove'])(
    '%s has its own help',
    async (command) => {
      const line = await parseCommandLine([command, '--help'], '1.2.3');
      expect(line).toEqual({ kind: 'text', text: expect.stringMatching(new RegExp(`^bcopy ${command} `)) });
    },
  );

  test.each(['--version', '-V'])('%s tells the version', async (word) => {
    expect(await parseCommandLine([word], '1.2.3')).toEqual({ kind: 'text', text: 'bcopy 1.2.3\n' });
  });
});

describe('a copy', () => {
  test('has short and long forms', async () => {
    const expected = { source: ['a'], destination: 'b', check: true, retry: true };
    expect(await flagsOf('-s', 'a', '-d', 'b', '-c', '--retry')).toEqual(expected);
    expect(await flagsOf('--source=a', '--destination', 'b', '--check', '--retry')).toEqual(expected);
    expect(await flagsOf('-cs', 'a', '-db', '--retry')).toEqual(expected);
  });

  test.each([
    'a b',
    '"a"',
    "'a'",
    '"',
    '""',
    "it's",
    '$(touch pwned)',
    'x\n#SBATCH --partition=x',
    'caf\udce9',
    '1e3',
    '0x10',
    'a=b',
    '=x',
    'true',
    'status',
    '__proto__',
    'a.b',
    '~',
    '\\',
  ])('takes %j as a name, whichever way it is written', async (name) => {
    expect(await flagsOf('-s', name, '-d', 'b')).toEqual({ source: [name], destination: 'b' });
    expect(await flagsOf('-d', 'b', `--source=${name}`)).toEqual({ source: [name], destination: 'b' });
    if (!name.startsWith('=')) {
      expect(await flagsOf(`-s${name}`, '-d', 'b')).toEqual({ source: [name], destination: 'b' });
    }
  });

  test('takes a name that begins with - after =', async () => {
    expect(await flagsOf('--source=-rf', '-d', 'b')).toEqual({ source: ['-rf'], destination: 'b' });
  });

  test('hands options of sbatch on one by one', async () => {
    const flags = await flagsOf('-s', 'a', '-d', 'b', '--sbatch-arg=--exclude=n1', '--sbatch-arg=-N2');
    expect(flags['sbatch-arg']).toEqual(['--exclude=n1', '-N2']);
  });

  test('a dash in place of a file is standard input', async () => {
    const flags = await flagsOf('--files-from', '-', '-s', 'a', '--exclude-from=-', '-d', 'b');
    expect(flags).toMatchObject({ 'files-from': '-', rules: [['exclude-from', '-']] });
    expect((await refusalOf('-s', 'a', '-', '-d', 'b')).message).toContain('- belongs to no option');
  });

  test('a switch can be turned off, and may be repeated', async () => {
    expect(await flagsOf('--wait=false', '-c', '-c')).toEqual({ wait: false, check: true });
  });
});

describe('--delete', () => {
  test.each([
    [['--delete'], 'trash'],
    [['--delete', '--retry'], 'trash'],
    [['--delete', '-s', 'a'], 'trash'],
    [['--delete=now'], 'now'],
    [['--delete', 'now'], 'now'],
    [['--delete=trash'], 'trash'],
  ])('%j is %s', async (words, value) => {
    expect(await flagsOf(...words)).toMatchObject({ delete: value });
  });

  test('is said once', async () => {
    await expect(flagsOf('--delete', '--delete=now')).rejects.toThrow('--delete is given 2 times');
  });
});

test.each([
  'a b',
  '"a"',
  "'a'",
  '"',
  "it's",
  'caf\udce9',
  '1e3',
  '0x10',
  '010',
  'a=b',
  'true',
  '__proto__',
  'a.b',
  '~',
  '\\',
  'copy',
  'remove',
])('remove takes %j as a path, as it is written', async (name) => {
  const line = await parseCommandLine(['remove', name, '--yes', `./${name}`], '1.2.3');
  expect(line).toEqual({
    kind: 'command',
    command: 'remove',
    flags: { paths: [name, `./${name}`], yes: true },
  });
});

test('the other commands take a job number', async () => {
  const line = (...words: string[]) => parseCommandLine(words, '1.2.3');
  expect(await line('status')).toEqual({ kind: 'command', command: 'status', flags: {} });
  expect(await line('status', '12', '--json')).toMatchObject({ flags: { job: '12', json: true } });
  expect(await line('logs', '12', '--shard', '3', '--err', '--follow')).toEqual({
    kind: 'command',
    command: 'logs',
    flags: { job: '12', shard: '3', err: true, follow: true },
  });
  expect(await line('cancel', '12')).toEqual({ kind: 'command', command: 'cancel', flags: { job: '12' } });
});

describe('what cannot be understood is refused in one sentence', () => {
  test.each([
    [['--sorce', 'a'], 'there is no option --sorce', 'the nearest is --source;'],
    [['--dryRun'], 'there is no option --dryRun', 'the nearest is --dry-run;'],
    [['--no-wait'], 'there is no option --no-wait', 'the nearest is --wait;'],
    [['--nodelist=n1'], 'there is no option --nodelist', '--sbatch-arg=--name=value'],
    [['--toString'], 'there is no option --toString', 'the nearest is'],
    [['--constructor', 'x'], 'there is no option --constructor', 'the nearest is'],
    [['-z'], 'there is no option -z', 'the short options are -s -d -c -x -v -h -V'],
    [['--a\u0007b'], 'there is no option "--a\\007b"', 'the nearest is'],
    [['logs', '1', '-s', '3'], 'there is no option -s', 'the short options are -h -V'],
    [['status', '--jsn'], 'there is no option --jsn', 'the nearest is --json'],
    [['-d', 'a', '-d', 'b'], '--destination is given 2 times', 'give it once'],
    [['-d', 'a', '--destination=b'], '--destination is given 2 times', 'give it once'],
    [['-s', '', '-d', 'b'], '--source has no value', '--source=-value'],
    [['-s', '-d', 'b'], '--source has no value', '--source=-value'],
    [['--destination='], '--destination has no value', '--destination=-value'],
    [['-s'], '--source has no value', '--source=-value'],
    [['--workers='], '--workers has no value', '--workers=-value'],
    [['--wait=banana'], '--wait=banana is neither true nor false', '--wait=false'],
    [['a', 'b'], 'a belongs to no option', 'bcopy -s SRC -d DST'],
    [['-s', 'a', '-d', 'b', 'c d\n'], '"c d\\n" belongs to no option', 'a pattern such as *'],
    [['-s', 'a', '-d', 'b', '--', 'c'], 'c belongs to no option', 'a pattern such as *'],
    [['stauts', '12'], 'there is no command stauts', 'the nearest is bcopy status'],
    [['-c', 'status'], 'status is not the first word', 'bcopy status, and then its options'],
    [['status', '1', '2'], '2 belongs to no option', 'bcopy status takes one job number'],
  ])('%j', async (words, why, hint) => {
    const error = await refusalOf(...words);
    expect(error.message).toBe(`cannot read the command line: ${why}`);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toContain(hint);
    expect(error.exitCode).toBe(2);
  });
});
