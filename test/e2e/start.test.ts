import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, inject, it } from 'vitest';

const hasStrace = (() => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: counting file-system calls: strace is not installed');
    return false;
  }
})();

/** Calls that name a file, of the whole process with all its threads. */
async function fileCalls(...command: [string, ...string[]]): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-strace-'));
  try {
    const trace = join(directory, 'trace');
    await execa('strace', ['-f', '-e', 'trace=%file', '-o', trace, ...command], {
      cwd: directory,
      reject: false,
    });
    return readFileSync(trace, 'utf8').trimEnd().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

it.skipIf(!hasStrace)('starts a worker with fewer than 100 file-system calls', async () => {
  const worker = `${inject('installed')}/dist/js/workers/main.js`;
  const calls = await fileCalls(process.execPath, worker, 'task', '1', '0');
  expect(calls.some((call) => call.includes('run.json'))).toBe(true);
  expect(calls.length).toBeLessThan(100);
});

it.skipIf(!hasStrace)('shows its help without loading what only a copy needs', async () => {
  const calls = await fileCalls(process.execPath, `${inject('installed')}/dist/js/cli/main.js`, '--help');
  expect(calls.some((call) => call.includes('koffi'))).toBe(false);
  expect(calls.length).toBeLessThan(150);
});
