import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announcedJob, readJournalsOf, rsyncDifferences, runDirectories } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const hasStrace = spawnSync('strace', ['-V']).status === 0;

let world: World;
let cwd: string;

beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

beforeEach(() => {
  cwd = world.directory();
  mkdirSync(join(cwd, 'src/sub'), { recursive: true });
  for (const name of ['a', 'b', 'sub/c']) writeFileSync(join(cwd, 'src', name), `content of ${name}`);
  writeFileSync(join(cwd, 'src/large'), Buffer.alloc(24 * 2 ** 20, 'large'));
  giveToUser(cwd);
});

/** A node program that first does harm to the destination, each time when a task of these attempts begins. */
function harmfulNode(attempts: string, harm: string): string[] {
  const program = join(cwd, 'node');
  const script = `#!/bin/sh
case "$2 $3" in ${attempts
    .split(' ')
    .map((attempt) => `"task ${attempt}"`)
    .join('|')}) (cd ../.. && ${harm}) ;; esac
exec ${process.execPath} "$@"
`;
  writeFileSync(program, script, { mode: 0o755 });
  return ['--node', program];
}

/** A node program that writes down the calls of tasks of this attempt, after it has done some harm. */
function tracingNode(attempt: string, harm = 'true'): string[] {
  const [, program] = harmfulNode(attempt, harm);
  const script = readFileSync(program!, 'utf8');
  const calls = 'openat,pread64';
  const traced = `strace -f -y -s 0 -e trace=${calls} -A -o ${join(cwd, 'trace')} ${process.execPath} "$@"; exit`;
  writeFileSync(program!, script.replace(' ;; esac', `; ${traced} ;; esac`));
  return ['--node', program!];
}

/** The files of a tree whose content was read. */
function readIn(trace: string, tree: string): string[] {
  const read = trace.matchAll(new RegExp(`pread64\\(\\d+<${join(cwd, tree)}/([^>]*)>`, 'g'));
  return [...new Set(Array.from(read, ([, path]) => path!))].sort();
}

/** Another byte in a file, and nobody sees it in its times. */
const flip = (path: string, at: number) =>
  `printf X | dd of=dst/${path} bs=1 seek=${at} conv=notrunc status=none && touch -r src/${path} dst/${path}`;

const copy = (...words: string[]) =>
  world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--shards', '2', '--wait', ...words);

describe('a copy with --verify checksum', () => {
  it('is compared, and says so', async () => {
    const { exitCode, stdout, stderr } = await copy('--verify', 'checksum');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('attempt 2 compares what is copied with the source, as job');
    expect(stdout).toContain('The destination is like the source, in all that was compared.');
    const log = readFileSync(join(cwd, `${announcedJob(stdout)}.log`), 'utf8');
    expect(log).toContain(
      'compared     6 entries, 24.0 MiB of content (24.0 MiB by digests): no difference\n',
    );
    expect(log).toContain('All 4 files are copied.\n');
    expect(readFileSync(join(cwd, `${announcedJob(stdout)}.err`), 'utf8')).toBe('');
  });

  it.skipIf(!hasStrace)('reads the destination alone', async () => {
    const { exitCode } = await copy('--verify', 'checksum', ...tracingNode('2'));
    expect(exitCode).toBe(0);
    const trace = readFileSync(join(cwd, 'trace'), 'utf8');
    expect(readIn(trace, 'dst')).toEqual(['a', 'b', 'large', 'sub/c']);
    expect(readIn(trace, 'src')).toEqual([]);
  });

  it.skipIf(!hasStrace)('reads both sides of what has another digest, and of nothing else', async () => {
    const harm = `${flip('a', 3)} && ${flip('large', 20_000_000)}`;
    const { exitCode } = await copy('--verify', 'checksum', '--no-continue', ...tracingNode('2', harm));
    expect(exitCode).toBe(4);
    const trace = readFileSync(join(cwd, 'trace'), 'utf8');
    expect(readIn(trace, 'src')).toEqual(['a', 'large']);
  });

  it('does not depend on the digests', async () => {
    const tear = 'for f in .bcopy/*/journals/*.digests; do truncate -s 50 $f; done';
    const node = harmfulNode('2', `${tear} && ${flip('b', 0)}`);
    const { exitCode, stdout, stderr } = await copy('--verify', 'checksum', ...node);
    expect(stderr).toContain('attempt 3 copies again what differs, as job');
    expect(exitCode).toBe(0);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
    const log = readFileSync(join(cwd, `${announcedJob(stdout)}.log`), 'utf8');
    expect(log).toMatch(/no difference, 1 mended\n/);
  });

  it('knows what killed workers have hashed and recorded', async () => {
    for (let i = 0; i < 300; i++) writeFileSync(join(cwd, `src/sub/f${i}`), `content ${i}`);
    giveToUser(cwd);
    const program = join(cwd, 'node');
    const wait = `while kill -0 $pid && ! grep -q '"done"' journals/*.jsonl; do sleep 0.05; done`;
    const kill = `${process.execPath} "$@" & pid=$!; ${wait}; kill -9 $pid; exit 1`;
    const script = `#!/bin/sh\ncase "$2 $3" in "task 1") ${kill} ;; esac\nexec ${process.execPath} "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const words = ['-s', 'src', '-d', 'dst', '--wait', '--verify', 'checksum'];
    const slowly = ['--shards', '1', '--ops-limit', '100', '--checkpoint', '1', '--node', program];
    expect(await world.bcopy(cwd, ...words, ...slowly, '--no-continue')).toMatchObject({ exitCode: 3 });
    const { exitCode } = await world.bcopy(cwd, ...words, '--retry', '--ops-limit', '100000');
    expect(exitCode).toBe(0);
    const workers = new Set(
      readJournalsOf(cwd).flatMap(({ file, line }) => (line.type === 'done' ? [file] : [])),
    );
    expect([...workers].filter((file) => !file.startsWith('finish'))).toHaveLength(2);
    // What was there without a record is skipped, and what was read for it may be known or not
    const all = readJournalsOf(cwd).map(({ line }) => line);
    const skipped = all.reduce((sum, line) => sum + (line.type === 'done' ? line.skipped.bytes : 0), 0);
    const unknown = all.map((line) => (line.type === 'verified' ? line.bytes - (line.hashed ?? 0) : 0));
    expect(unknown.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(skipped);
    expect(all.some((line) => line.type === 'verified' && line.hashed === line.bytes)).toBe(true);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
  });

  it('copies again what differs, and tells it', async () => {
    const node = harmfulNode('2', `${flip('a', 3)} && ${flip('large', 20_000_000)}`);
    const { exitCode, stdout, stderr } = await copy('--verify', 'checksum', ...node);
    expect(stderr).toContain('attempt 3 copies again what differs, as job');
    expect(stderr).toContain('attempt 4 compares what is copied with the source, as job');
    expect(exitCode).toBe(0);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
    const log = readFileSync(join(cwd, `${announcedJob(stdout)}.log`), 'utf8');
    expect(log).toMatch(/compared {5}8 entries, .* no difference, 2 mended\n/);
    const again = readJournalsOf(cwd).flatMap(({ file, line }) =>
      /^\d+\.4-/.test(file) && line.type === 'verified' ? [line.to - line.from] : [],
    );
    expect(again.reduce((sum, entries) => sum + entries, 0)).toBe(1);
  });

  it('ends with 4 where it differs again', async () => {
    const node = harmfulNode('2 4', `${flip('sub/c', 3)} && ${flip('large', 1)}`);
    const { exitCode, stdout, stderr } = await copy('--verify', 'checksum', ...node);
    expect(exitCode).toBe(4);
    const job = announcedJob(stdout);
    expect(stderr).toContain(`2 differences between source and destination; see ${job}.err`);
    const log = readFileSync(join(cwd, `${job}.log`), 'utf8');
    expect(log).toContain(
      'It does not go on by itself: 2 differences found, though what differed was copied again.\n',
    );
    expect(
      readFileSync(join(cwd, `${job}.err`), 'utf8')
        .split('\n')
        .slice(0, 4)
        .sort(),
    ).toEqual([
      '  large (from byte 1 on)',
      '  sub/c (from byte 3 on)',
      '  what to do: --retry copies them again',
      '2 not as in the source: content',
    ]);
    expect(await world.bcopy(cwd, 'status', job)).toMatchObject({
      stdout: expect.stringMatching(/^not done +2 entries/m),
    });
    expect(await copy('--retry', '--verify', 'checksum')).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
  });

  it('leaves what differs to --retry where there may be no other attempt', async () => {
    const node = harmfulNode('2', flip('b', 0));
    const ran = await copy('--verify', 'checksum', '--no-continue', ...node);
    expect(ran.exitCode).toBe(4);
    expect(ran.stderr).not.toContain('attempt 3');
  });

  it('removes what the source does not have only when nothing differs', async () => {
    mkdirSync(join(cwd, 'dst'));
    writeFileSync(join(cwd, 'dst/old'), '');
    giveToUser(cwd);
    const words = ['--verify', 'checksum', '--delete', '--max-delete', '50%'];
    const harmed = await copy(...words, ...harmfulNode('2 4', flip('b', 0)));
    expect(harmed.exitCode).toBe(4);
    expect(readFileSync(join(cwd, 'dst/old'), 'utf8')).toBe('');
    const { exitCode, stderr } = await copy(...words, '--retry');
    expect(stderr).toContain('removes what the source does not have');
    expect(exitCode).toBe(0);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--exclude', '.bcopy-trash')).toBe('');
  });
});

describe('a copy with --verify size', () => {
  it('reads no content, and finds a lost file', async () => {
    const node = harmfulNode('2', `${flip('a', 3)} && rm dst/b`);
    const { exitCode, stderr } = await copy('--verify', 'size', ...node);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('copies again'),
    });
    expect(readFileSync(join(cwd, 'dst/b'), 'utf8')).toBe('content of b');
    expect(readFileSync(join(cwd, 'dst/a'), 'utf8')).toContain('X');
    const { line } = readJournalsOf(cwd).find(({ line: one }) => one.type === 'verified')!;
    expect(line).toMatchObject({ bytes: 0 });
  });
});

it.each([
  [['--update'], 'cannot copy with --verify and --update: the copy is not to be like its source'],
  [
    ['--links', 'follow'],
    'cannot copy with --verify and --links follow: the copy is not to be like its source',
  ],
])('--verify is refused with %j', async (words, sentence) => {
  const { exitCode, stderr } = await copy('--verify', 'size', ...words);
  expect({ exitCode, first: stderr.split('\n')[0] }).toEqual({ exitCode: 2, first: `bcopy: ${sentence}` });
  expect(() => runDirectories(cwd)).toThrow('ENOENT');
});
