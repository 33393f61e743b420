import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

/** What the file system was asked since it was mounted, or since `forget`. */
export type SlowStatistics = {
  readonly requests: number;
  /** So many waited at once, at most. */
  readonly most: number;
};

/** A mounted file system on which each request takes a while (bench/slow.c). */
export type SlowFileSystem = {
  readonly path: string;
  /** The directory behind it, where the same files are at hand without delay. */
  readonly behind: string;
  readonly statistics: () => SlowStatistics;
  readonly forget: () => void;
  /** Leaves nothing behind, also when files are open still. */
  readonly unmount: () => Promise<void>;
};

/** Mounts a new, empty one, or says in words why that cannot be. It ends with this process, whatever ends it. */
export async function mountSlow(latencyMs = 5, parent = tmpdir()): Promise<SlowFileSystem | string> {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  const top = mkdtempSync(join(parent, 'bcopy-slow-'));
  chmodSync(top, 0o755);
  const why = compile(join(top, 'slow'));
  if (why === undefined) return (await mount(top, latencyMs)) ?? remove(top, 'FUSE does not mount here');
  return remove(top, why);
}

function compile(program: string): string | undefined {
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' });
  if (flags.status !== 0) return 'libfuse3-dev or pkg-config is not installed';
  const words = ['-O2', '-pthread', '-o', program, sourceOfProgram(), ...flags.stdout.trim().split(/\s+/)];
  const { status, stderr, error } = spawnSync('cc', words, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return error === undefined ? `slow.c does not compile: ${stderr.trim()}` : 'cc is not installed';
}

/** Beside this file, or seen from the bundle that it is in. */
function sourceOfProgram(): string {
  const places = ['./slow.c', '../../../bench/slow.c'].map((place) => new URL(place, import.meta.url));
  return fileURLToPath(places.find((place) => existsSync(place)) ?? places[0]!);
}

async function mount(top: string, latencyMs: number): Promise<SlowFileSystem | undefined> {
  const [path, behind, statistics] = [join(top, 'mounted'), join(top, 'behind'), join(top, 'statistics')];
  for (const directory of [path, behind]) mkdirSync(directory);
  const child = spawn(join(top, 'slow'), [behind, path, String(latencyMs), statistics], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (!(await isMounted(child))) return undefined;
  return {
    path,
    behind,
    statistics: () => readStatistics(statistics),
    forget: () => writeFileSync(statistics, Buffer.alloc(16), { flag: 'r+' }),
    unmount: () => unmount(child, top),
  };
}

async function isMounted(child: ChildProcess): Promise<boolean> {
  const lines = createInterface({ input: child.stdout! });
  const first = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  return first[0] === 'mounted';
}

/** As slow.c has them: waiting, most and requests, 64 bits each. */
function readStatistics(file: string): SlowStatistics {
  const bytes = readFileSync(file);
  return { most: Number(bytes.readBigUInt64LE(0)), requests: Number(bytes.readBigUInt64LE(8)) };
}

async function unmount(child: ChildProcess, top: string): Promise<void> {
  const ended = child.exitCode === null ? once(child, 'exit') : undefined;
  child.stdin!.end();
  await ended;
  rmSync(top, { recursive: true, force: true });
}

function remove(top: string, why: string): string {
  rmSync(top, { recursive: true, force: true });
  return why;
}
