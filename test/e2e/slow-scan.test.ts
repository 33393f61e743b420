import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-slow-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const names = 1000;
const delayMs = 40;

/** Plans a copy while every call that looks at a name or reads names takes 40 ms; returns seconds. */
async function scan(source: string): Promise<number> {
  const calls = 'statx,getdents64';
  const delay = ['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=${delayMs * 1000}`];
  const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
  const words = ['-s', source, '-d', `${top}/destination`, '--scheduler', 'local', '--dry-run=plan'];
  const start = performance.now();
  const { stdout } = await execa('strace', ['-f', '-qq', '-o', '/dev/null', ...delay, bcopy, ...words], {
    cwd: top,
    env: { XDG_STATE_HOME: top, XDG_CONFIG_HOME: top },
  });
  expect(stdout).toContain('1,000');
  return (performance.now() - start) / 1000;
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
  // One call after the other: 40 and 56 seconds
  const inTurn = (names * delayMs) / 1000;
  expect(await scan(`${top}/one`)).toBeLessThan(inTurn / 2);
  expect(await scan(`${top}/many`)).toBeLessThan(inTurn / 2);
});
