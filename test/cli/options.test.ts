import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Flags } from '../../cli/command-line.ts';
import { type CopyOptions, fidelityOf, limitsOf, readCopyOptions } from '../../cli/options.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { fullFidelity } from '../../core/model/fidelity.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bcopy-options-'));
  await mkdir(join(directory, 'bcopy'));
});
afterEach(() => rm(directory, { recursive: true }));

type World = {
  readonly flags?: Flags;
  readonly environment?: Record<string, string>;
  readonly user?: string;
  readonly system?: string;
};

async function settle({ flags, environment, user, system }: World): Promise<CopyOptions> {
  const systemConfig = join(directory, 'system.yaml');
  if (user !== undefined) await writeFile(join(directory, 'bcopy/config.yaml'), user);
  if (system !== undefined) await writeFile(systemConfig, system);
  return readCopyOptions(
    { source: 'a', destination: 'b', ...flags },
    {
      environment: { XDG_CONFIG_HOME: directory, ...environment },
      node: '/usr/bin/node',
      workerBundle: '/opt/worker.js',
      systemConfig,
    },
  );
}

async function refusalOf(world: World): Promise<BcopyError> {
  const error = await settle(world).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof BcopyError ? error : expect.fail(`not refused: ${error}`);
}

test('without anything said there are the defaults', async () => {
  expect(await settle({})).toEqual({
    source: ['a'],
    destination: 'b',
    algorithm: 'xxh3',
    check: false,
    retry: false,
    dryRun: false,
    json: false,
    force: false,
    wait: false,
    verbose: false,
    parsable: false,
    preserve: ['owner', 'mode', 'times', 'xattr', 'acl', 'links'],
    noPreserve: [],
    require: [],
    links: 'copy',
    maxAttempts: 10,
    verify: 'none',
    maxDelete: '10%',
    noContinue: false,
    tries: 4,
    checkpoint: 30,
    sync: 'checkpoint',
    compare: 'mtime',
    tailBytes: 65_536,
    modifyWindow: 0,
    update: false,
    ignoreExisting: false,
    existing: false,
    cpusPerTask: 2,
    sbatchArg: [],
    node: '/usr/bin/node',
    workerBundle: '/opt/worker.js',
  });
});

describe('precedence', () => {
  const layers: World[] = [
    { flags: { account: 'typed' } },
    { environment: { BCOPY_ACCOUNT: 'variable' } },
    { environment: { SBATCH_ACCOUNT: 'sbatch' } },
    { user: 'account: user\n' },
    { system: 'account: system\n' },
  ];
  const names = ['typed', 'variable', 'sbatch', 'user', 'system'];

  test.each(names.map((name, from) => [name, from] as const))(
    '%s wins over all that come after it',
    async (name, from) => {
      const below = layers.slice(from);
      const environment = Object.assign({}, ...below.map((layer) => layer.environment));
      const world: World = { ...Object.assign({}, ...below), environment };
      expect((await settle(world)).account).toBe(name);
    },
  );

  test('every SBATCH variable that is the user’s own counts, and no other', async () => {
    const environment = {
      SBATCH_ACCOUNT: 'a',
      SBATCH_PARTITION: 'p',
      SBATCH_QOS: 'q',
      SBATCH_TIMELIMIT: '1:00',
      SBATCH_RESERVATION: 'r',
      SBATCH_CONSTRAINT: 'c',
      SBATCH_ARRAY_INX: '1-9',
      SBATCH_WAIT: '1',
    };
    const options = await settle({ environment });
    expect(options).toMatchObject({
      account: 'a',
      partition: 'p',
      qos: 'q',
      time: '1:00',
      reservation: 'r',
      constraint: 'c',
    });
    expect(options.wait).toBe(false);
  });

  test('an empty variable is not set', async () => {
    expect(
      await settle({ environment: { BCOPY_ACCOUNT: '', SBATCH_ACCOUNT: '' }, user: 'account: u' }),
    ).toMatchObject({
      account: 'u',
    });
  });

  test('a switch of a config file can be turned off', async () => {
    expect((await settle({ user: 'wait: true\n', flags: { wait: false } })).wait).toBe(false);
  });

  test('a list is taken whole from the highest place', async () => {
    const world = { user: 'sbatch-arg: [--nice, --hold]\n', flags: { 'sbatch-arg': ['--exclude=n1'] } };
    expect((await settle(world)).sbatchArg).toEqual(['--exclude=n1']);
  });

  test('BCOPY_CONFIG names the only config file', async () => {
    const only = join(directory, 'only.yaml');
    await writeFile(only, 'workers: 3\n');
    const options = await settle({ environment: { BCOPY_CONFIG: only }, user: 'account: user\n' });
    expect(options.workers).toBe(3);
    expect(options.account).toBeUndefined();
  });

  test('without XDG_CONFIG_HOME the file is in ~/.config', async () => {
    await mkdir(join(directory, '.config/bcopy'), { recursive: true });
    await writeFile(join(directory, '.config/bcopy/config.yaml'), 'workers: 5\n');
    const options = await settle({ environment: { XDG_CONFIG_HOME: '', HOME: directory } });
    expect(options.workers).toBe(5);
  });
});

test('values are read as they were meant', async () => {
  const user =
    'time: 1:30:00\nmem: 010\nqos: 1e3\nworkers: 4\ncheck: yes\nsbatch-arg: --nice\nworker: /w.js\n';
  const environment = {
    BCOPY_CPUS_PER_TASK: '4',
    BCOPY_WAIT: '1',
    BCOPY_SCHEDULER: 'local',
    BCOPY_LOCAL_STATE: '/x',
  };
  expect(await settle({ user, environment })).toMatchObject({
    time: '1:30:00',
    mem: '010',
    qos: '1e3',
    workers: 4,
    check: true,
    sbatchArg: ['--nice'],
    workerBundle: '/w.js',
    cpusPerTask: 4,
    wait: true,
    scheduler: 'local',
  });
});

describe('what is wrong is refused in one sentence', () => {
  test.each<[string, World, string]>([
    [
      'zero workers',
      { flags: { workers: '0' } },
      'cannot use --workers 0: it must be a whole number from 1 on',
    ],
    [
      'half a worker',
      { flags: { workers: '1.5' } },
      'cannot use --workers 1.5: it must be a whole number from 1 on',
    ],
    [
      'no number',
      { flags: { shards: '1e3' } },
      'cannot use --shards 1e3: it must be a whole number from 1 on',
    ],
    [
      'a number too long',
      { flags: { shards: '9'.repeat(16) } },
      `cannot use --shards ${'9'.repeat(16)}: it must be`,
    ],
    [
      'no scheduler',
      { flags: { scheduler: 'pbs' } },
      'cannot use --scheduler pbs: it must be slurm or local',
    ],
    ['a relative node', { flags: { node: 'node' } }, 'cannot use --node node: it must be an absolute path'],
    [
      'a newline',
      { flags: { account: 'x\n#SBATCH --wrap=y' } },
      'cannot use --account "x\\n#SBATCH --wrap=y": it holds',
    ],
    [
      'an escape',
      { environment: { SBATCH_QOS: 'a\u001b[1m' } },
      'cannot use SBATCH_QOS="a\\033[1m": it holds',
    ],
    ['a bad byte', { flags: { qos: 'a\udcff' } }, 'cannot use --qos "a\\377": it is no valid UTF-8'],
    [
      'a script for sbatch',
      { flags: { 'sbatch-arg': ['x.sh'] } },
      'cannot use --sbatch-arg x.sh: it must be one option',
    ],
    [
      'an array',
      { flags: { 'sbatch-arg': ['--array=1'] } },
      'cannot use --sbatch-arg --array=1: bcopy gives --array itself',
    ],
    [
      'a part of --array',
      { flags: { 'sbatch-arg': ['--arr=1'] } },
      'cannot use --sbatch-arg --arr=1: bcopy gives --array itself',
    ],
    [
      'a short option',
      { flags: { 'sbatch-arg': ['-ofile'] } },
      'cannot use --sbatch-arg -ofile: bcopy gives --output itself',
    ],
    [
      'a bad variable',
      { environment: { BCOPY_WAIT: 'perhaps' } },
      'cannot use BCOPY_WAIT=perhaps: it must be true or false',
    ],
    [
      'an unknown variable',
      { environment: { BCOPY_PARTITON: 'x' } },
      'cannot use BCOPY_PARTITON: bcopy has no such variable',
    ],
    [
      'a source by variable',
      { environment: { BCOPY_SOURCE: 'x' } },
      'cannot use BCOPY_SOURCE: source is given on the command line only',
    ],
    [
      'a bad value that is overridden',
      { flags: { workers: '2' }, environment: { BCOPY_WORKERS: 'x' } },
      'cannot use BCOPY_WORKERS=x: it must',
    ],
  ])('%s', async (_, world, sentence) => {
    const error = await refusalOf(world);
    expect(error.message.slice(0, sentence.length)).toBe(sentence);
    expect(error.message).not.toContain('\n');
    expect(error.exitCode).toBe(2);
  });

  test.each([
    ['account:\n', 'account', 1, 'it must be one value'],
    ['account: ""\n', 'account', 1, 'it is empty'],
    ['account: {a: b}\n', 'account', 1, 'it must be one value'],
    ['qos: &x 1\naccount: *x\n', 'account', 2, 'it must be one value'],
    ['\n\nworkers: many\n', 'workers', 3, 'it must be a whole number from 1 on'],
    ['sbatch-arg: [--nice, [x]]\n', 'sbatch-arg', 1, 'it must be one value'],
    ['templates: mine\n', 'templates', 1, 'it must be an absolute path'],
    ['wait:\n', 'wait', 1, 'it must be true or false'],
  ])('a bad value %j names file and line', async (text, name, line, why) => {
    const error = await refusalOf({ user: String(text) });
    expect(error.message).toBe(
      `cannot use ${name} in ${join(directory, 'bcopy/config.yaml')} line ${line}: ${why}`,
    );
  });

  test('a missing source or destination', async () => {
    const surroundings = { environment: {}, node: '/n', workerBundle: '/w' };
    const messageFor = (flags: Flags) =>
      readCopyOptions(flags, surroundings).catch((error: BcopyError) => `${error.exitCode} ${error.message}`);
    expect(await messageFor({ destination: 'b' })).toBe('2 cannot copy: no source is given');
    expect(await messageFor({ source: 'a' })).toBe('2 cannot copy: no destination is given');
    expect(await messageFor({})).toBe('2 cannot copy: neither source nor destination is given');
  });

  test('the nearest names are told', async () => {
    expect((await refusalOf({ user: 'partiton: x\n' })).hint).toBe('the nearest is partition');
    expect((await refusalOf({ environment: { BCOPY_WORKER_S: '1' } })).hint).toBe(
      'the nearest is BCOPY_WORKERS',
    );
  });
});

describe('what is kept', () => {
  const settled = async (world: World) => fidelityOf(await settle(world));

  test('is everything, and symlinks are copied', async () => {
    expect(await settled({})).toEqual(fullFidelity);
  });

  test('is what --preserve lists, less what --no-preserve lists', async () => {
    const { keep } = await settled({ flags: { preserve: 'owner, mode,acl', 'no-preserve': 'acl,times' } });
    expect(keep).toEqual(['owner', 'mode']);
  });

  test('can come from a variable and from a config file', async () => {
    const world = {
      environment: { BCOPY_NO_PRESERVE: 'links' },
      user: 'require: [acl, device]\nlinks: skip\n',
    };
    expect(await settled(world)).toEqual({
      keep: ['owner', 'mode', 'times', 'xattr', 'acl'],
      require: ['acl', 'device'],
      symlinks: 'skip',
    });
  });

  test.each([
    [{ preserve: 'owner,colour' }, 'it must be some of owner,mode,times,xattr,acl,links'],
    [{ 'no-preserve': 'acl,' }, 'it must be some of owner,mode,times,xattr,acl,links'],
    [{ require: 'mode' }, 'it must be some of owner,xattr,acl,links,device,flags'],
    [{ links: 'hard' }, 'it must be copy, follow or skip'],
    [{ require: 'acl', 'no-preserve': 'acl' }, 'cannot require acl: it is not to be preserved'],
    [{ require: 'owner', preserve: 'mode' }, 'cannot require owner: it is not to be preserved'],
  ])('cannot be %j', async (flags, why) => {
    const refusal = await refusalOf({ flags: flags as unknown as Flags });
    expect(refusal.kind).toBe('usage');
    expect(refusal.message).toContain(why);
  });
});

describe('limits', () => {
  test.each([
    ['500', 512_000],
    ['500K', 512_000],
    ['500kb', 500_000],
    ['1.5MiB', 1_572_864],
    ['2G', 2_147_483_648],
    ['100B', 100],
    ['0', undefined],
  ])('--bwlimit %s is %s bytes in a second', async (bwlimit, bytesPerSecond) => {
    const found = limitsOf(await settle({ flags: { bwlimit } }));
    expect(found).toEqual(bytesPerSecond === undefined ? {} : { bytesPerSecond });
  });

  test('come from a config file as well', async () => {
    const options = await settle({
      environment: { XDG_CONFIG_HOME: directory },
      user: 'bwlimit: 20\nops-limit: 500\nthreads: 4\n',
    });
    expect(limitsOf(options)).toEqual({ bytesPerSecond: 20_480, entriesPerSecond: 500 });
    expect(options.threads).toBe(4);
  });

  test.each(['fast', '-1', '1X', ''])('refuse %j as a rate', async (bwlimit) => {
    await expect(settle({ flags: { bwlimit } })).rejects.toThrow('it must be a rate as 500K, 20M, 1.5G');
  });

  test.each<[Flags, string]>([
    [{ compare: 'time' }, 'cannot use --compare time: it must be size, mtime, tail or checksum'],
    [{ 'modify-window': '-1' }, 'cannot use --modify-window -1: it must be a number of seconds'],
    [{ 'tail-bytes': '0' }, 'cannot use --tail-bytes 0: it must be a whole number from 1 on'],
  ])('say what is wrong with %j', async (flags, message) => {
    expect((await refusalOf({ flags })).message).toBe(message);
  });

  test.each(['0', '257', 'many'])('refuse %s threads', async (threads) => {
    await expect(settle({ flags: { threads } })).rejects.toThrow('it must be a whole number from 1 to 256');
  });
});
