import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-slow-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const names = 500;
const delayMs = 20;

/** Plans a copy while every call that looks at a name or reads names takes 20 ms; returns how many were under way at once, at most. */
async function scan(source: string): Promise<number> {
  const calls = 'statx,getdents64';
  const delay = ['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=${delayMs * 1000}`];
  const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
  const words = ['-s', source, '-d', `${top}/destination`, '--scheduler', 'local', '--dry-run=plan'];
  const log = `${top}/calls`;
  const { stdout } = await execa('strace', ['-f', '-qq', '-o', log, ...delay, bcopy, ...words], {
    cwd: top,
    env: { XDG_STATE_HOME: top, XDG_CONFIG_HOME: top },
  });
  expect(stdout).toContain(String(names));
  return mostAtOnce(readFileSync(log, 'latin1').split('\n'));
}

/** strace tells the beginning of a call in a line of its own when another thread has something to tell before its end. */
function mostAtOnce(lines: readonly string[]): number {
  let [now, most] = [0, 0];
  for (const line of lines) {
    if (line.endsWith('<unfinished ...>')) most = Math.max(most, ++now);
    else if (/ <\.\.\. \w+ resumed>/.test(line)) now--;
  }
  return most;
}

function fill(path: string, files: number): void {
  mkdirSync(path);
  for (let i = 0; i < files; i++) writeFileSync(`${path}/${i}`, '');
}

test('where each call takes long, many are made at once, in one directory and in many', async ({ skip }) => {
  const strace = await execa('strace', ['-qq', '-e', 'inject=statx:delay_enter=1', 'true'], {
    reject: false,
  });
  if (strace.failed) skip('strace is not installed here, or may not trace');
  mkdirSync(`${top}/one`);
  fill(`${top}/one/d`, names);
  mkdirSync(`${top}/many`);
  for (let i = 0; i < names / 5; i++) fill(`${top}/many/${i}`, 5);
  // 64 where nothing else hinders
  expect(await scan(`${top}/one`)).toBeGreaterThan(16);
  expect(await scan(`${top}/many`)).toBeGreaterThan(16);
});
