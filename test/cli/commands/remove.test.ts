import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CommandContext } from '../../../cli/commands/context.ts';
import { remove } from '../../../cli/commands/remove.ts';
import type { CopyOptions } from '../../../cli/options.ts';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-remove-'));
  mkdirSync(join(top, 'dir'));
});
afterEach(() => rmSync(top, { recursive: true }));

const isRoot = process.getuid?.() === 0;

test.runIf(isRoot).each([
  ['another file system', ['-t', 'tmpfs', 'none']],
  ['another place of the same', ['--bind', 'elsewhere']],
])('what is mounted at the name itself is refused: %s', async (_, mounted) => {
  mkdirSync(join(top, 'elsewhere'));
  execFileSync('mount', [...mounted, 'dir'], { cwd: top });
  try {
    await expect(asked((stdin) => stdin.write('n\n'))).rejects.toThrow(
      'another file system is mounted there',
    );
  } finally {
    execFileSync('umount', [join(top, 'dir')]);
  }
});

/** Without jobs. */
const here = { scheduler: 'local' } as CopyOptions;

/** Runs the command before somebody at a terminal, who answers when he is asked. */
async function asked(answer: (stdin: PassThrough) => void): Promise<{ code: number; said: string }> {
  const terminal = () => Object.assign(new PassThrough(), { isTTY: true });
  const [stdin, stdout, stderr] = [terminal(), terminal(), terminal()];
  let said = '';
  stdout.on('data', (text) => (said += text));
  stderr.once('data', () => setImmediate(answer, stdin));
  stderr.resume();
  const context: CommandContext = {
    ...{ stdin, stdout, stderr, environment: {}, words: [], version: '1.2.3', now: Date.now },
    signal: new AbortController().signal,
  };
  const code = await remove({ paths: [join(top, 'dir')], yes: false }, here, context);
  return { code, said };
}

test.each([
  ['Ctrl-C', (stdin: PassThrough) => stdin.write('\x03')],
  ['Ctrl-D', (stdin: PassThrough) => stdin.write('\x04')],
  ['the end of the input', (stdin: PassThrough) => stdin.end()],
  ['an empty line', (stdin: PassThrough) => stdin.write('\n')],
  ['more than yes', (stdin: PassThrough) => stdin.write('yes, but\n')],
])('%s is no agreement', async (_, answer) => {
  const { code, said } = await asked(answer);
  expect(said).toContain('Nothing is removed.');
  expect(code).toBe(3);
  expect(existsSync(join(top, 'dir'))).toBe(true);
});

test.each(['y\n', ' YES \n'])('%j is one', async (answer) => {
  expect(await asked((stdin) => stdin.write(answer))).toMatchObject({ code: 0 });
  expect(existsSync(join(top, 'dir'))).toBe(false);
});
