import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { directory, fifo, file, hardLinkTo, makeTree, sparseFile, symlinkTo } from '../helpers/tree.ts';
import { announcedJob } from './run-files.ts';
import { giveToUser, type Ran, type World } from './world.ts';

/** Runs a program as somebody. */
export type Run = (cwd: string, program: string, ...args: string[]) => Promise<Ran>;

/** Who copies: the user of a world, and root where he runs the tests. */
export const users: [string, (world: World) => Run][] = [
  ['an ordinary user', ({ run }) => run],
  ...(process.getuid?.() === 0 ? ([['root', asRoot]] as [string, (world: World) => Run][]) : []),
];

function asRoot({ env }: World): Run {
  return async (cwd, program, ...args) => {
    const options = { cwd, env, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    const { exitCode = -1, stdout, stderr } = await execa(program, args, options);
    return { exitCode, stdout, stderr };
  };
}

export function bcopyAs(run: Run, cwd: string, ...args: string[]): Promise<Ran> {
  return run(cwd, `${inject('installed')}/dist/js/cli/main.js`, ...args);
}

/** Two directories with hard links between them, and two files; each in another place. */
export async function preparedSources(world: World): Promise<string> {
  const cwd = world.directory();
  await makeTree(cwd, {
    one: {
      A: {
        a: file('aa', { mtimeNs: 1_000_000_000_123_456_789n, mode: 0o640 }),
        sub: directory({ s: symlinkTo('../a'), p: fifo(), deep: { b: 'b' } }, { mode: 0o750 }),
        hole: sparseFile(3 * 2 ** 20, [[2 ** 20, 'data']]),
        empty: {},
      },
    },
    two: { B: { c: 'ccc', d: hardLinkTo('one/A/a') }, F: file('ffff', { mode: 0o4711 }) },
    G: hardLinkTo('one/A/sub/deep/b'),
    dst: { other: { x: 'x' } },
  });
  giveToUser(cwd);
  return cwd;
}

export function logOf(cwd: string, ran: Ran, ending = 'log'): string {
  return readFileSync(join(cwd, `${announcedJob(ran.stdout)}.${ending}`), 'utf8');
}

/** What rsync would still do: its sources, and the destination. */
export async function rsyncWould(run: Run, cwd: string, ...paths: string[]): Promise<string> {
  const { stdout, stderr } = await run(cwd, 'rsync', '-aHAXn', '--delete', '--itemize-changes', ...paths);
  return stdout + stderr;
}
