import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect, inject, it, onTestFinished } from 'vitest';
import { asFunction, pack, unpack } from '../../launch/pack.ts';

const greeting = asFunction("module.exports = 'hello';");

function codeOf(text: string): Buffer {
  return new Script(text).createCachedData();
}

/** What a program exports that is launched from this text and code. */
function launched(text: string, code: Uint8Array, ...flags: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-launch-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const packed = join(directory, 'program.packed');
  writeFileSync(packed, pack(text, code));
  const launcher = join(inject('installed'), 'dist/js/cli/schedulers/local/supervisor.js');
  const start = join(directory, 'program.cjs');
  writeFileSync(start, readFileSync(launcher, 'utf8').replaceAll('supervisor.packed', 'program.packed'));
  const script = `process.stdout.write(require(${JSON.stringify(start)}))`;
  return execFileSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' });
}

it('runs a program with its code, without any, and with code that V8 does not take', () => {
  expect(launched(greeting, codeOf(greeting))).toBe('hello');
  expect(launched(greeting, new Uint8Array())).toBe('hello');
  expect(launched(greeting, codeOf(greeting), '--no-opt')).toBe('hello');
  expect(launched(greeting, codeOf(asFunction('')))).toBe('hello');
  expect(launched(greeting, Buffer.from('no code at all'))).toBe('hello');
});

it('packs no text of which a byte would be lost', () => {
  expect(unpack(pack('text', Buffer.from('code')))).toEqual({ text: 'text', code: Buffer.from('code') });
  expect(() => pack('t\u00e9xt', new Uint8Array())).toThrow('ASCII');
});

it.each(['cli/main', 'cli/continue', 'cli/schedulers/local/supervisor', 'workers/main'])(
  'is built with code for %s that V8 takes, in threads too',
  (program) => {
    const packed = join(inject('installed'), `dist/js/${program}.packed`);
    // The flag is one that workers set: what a thread has is what Node began with
    const script = `
    const { isMainThread, Worker } = require('node:worker_threads');
    const bytes = require('node:fs').readFileSync(${JSON.stringify(packed)});
    const end = 4 + bytes.readUInt32LE(0);
    const options = { cachedData: bytes.subarray(end) };
    const { cachedDataRejected } = new (require('node:vm').Script)(bytes.toString('latin1', 4, end), options);
    require('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
    process.stdout.write((bytes.length - end) + ' ' + cachedDataRejected + ' ');
    if (isMainThread) new Worker(process.env.SCRIPT, { eval: true });`;
    const env = { ...process.env, SCRIPT: script };
    const told = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env });
    const [bytes, isRejected, bytesAgain, isRejectedInThread] = told.trim().split(' ');
    expect(Number(bytes)).toBeGreaterThan(10_000);
    expect(bytesAgain).toBe(bytes);
    expect([isRejected, isRejectedInThread]).toEqual(['false', 'false']);
  },
);
