import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';

/** A file system in one C file: it says `mounted` when it is, and serves until its standard input ends. */
export type FuseProgram = {
  readonly source: string;
  /** What it is called with. */
  readonly words: (mount: Omit<FuseMount, 'unmount'>) => string[];
};

export type FuseMount = {
  readonly path: string;
  /** The directory behind it, where the same files are at hand as they are. */
  readonly behind: string;
  /** A file by which the program can be spoken to. */
  readonly control: string;
  /** Leaves nothing behind, also when files are open still. */
  readonly unmount: () => Promise<void>;
};

/** Mounts a new, empty one, or says in words why that cannot be. It ends with this process, whatever ends it. */
export async function mountFuse(program: FuseProgram, parent = tmpdir()): Promise<FuseMount | string> {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  const name = basename(program.source, '.c');
  const top = mkdtempSync(join(parent, `bcopy-${name}-`));
  chmodSync(top, 0o755);
  const why = compile(program.source, join(top, name));
  if (why === undefined) return (await mount(program, top, name)) ?? remove(top, 'FUSE does not mount here');
  return remove(top, why);
}

function compile(source: string, program: string): string | undefined {
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' });
  if (flags.status !== 0) return 'libfuse3-dev or pkg-config is not installed';
  const words = ['-O2', '-pthread', '-o', program, source, ...flags.stdout.trim().split(/\s+/)];
  const { status, stderr, error } = spawnSync('cc', words, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return error === undefined
    ? `${basename(source)} does not compile: ${stderr.trim()}`
    : 'cc is not installed';
}

async function mount(program: FuseProgram, top: string, name: string): Promise<FuseMount | undefined> {
  const [path, behind, control] = [join(top, 'mounted'), join(top, 'behind'), join(top, 'control')];
  for (const directory of [path, behind]) mkdirSync(directory);
  const words = program.words({ path, behind, control });
  const child = spawn(join(top, name), words, { stdio: ['pipe', 'pipe', 'ignore'] });
  if (!(await isMounted(child))) return undefined;
  return { path, behind, control, unmount: () => unmount(child, top) };
}

async function isMounted(child: ChildProcess): Promise<boolean> {
  const lines = createInterface({ input: child.stdout! });
  const first = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  return first[0] === 'mounted';
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
