import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import type { PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import type { Storage } from '../../core/storage/storage.ts';
import { startEngine } from '../../workers/engine.ts';

const directory = mkdtempSync(join(tmpdir(), 'bcopy-engine-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** An engine of threads that run this program; none of them opens a storage. */
function startThreads(name: string, text: string, count = { first: 2, most: 2 }) {
  const program = join(directory, `${name}.mjs`);
  writeFileSync(program, `import { parentPort, threadId } from 'node:worker_threads';\n${text}`);
  const nothing = {} as unknown;
  return startEngine(count, nothing as Storage, nothing as PosixStorageRequest, pathToFileURL(program));
}

const part = (ordinal: number) => ({ ordinal, path: 'a', bytes: 1, from: 0 });
const echo = `parentPort.on('message', ({ id, part }) => parentPort.postMessage({ id, part: { asked: part.ordinal } }));`;

test('each answer comes to who asked, from whichever thread', async () => {
  const engine = startThreads('echo', echo, { first: 3, most: 3 });
  const asked = Array.from({ length: 50 }, (_, i) => i);
  const answers = await Promise.all(asked.map((i) => engine.copyPart(part(i))));
  expect(answers).toEqual(asked.map((i) => ({ asked: i })));
  await engine.close();
});

test('an error in a thread comes to who asked', async () => {
  const program = `parentPort.on('message', ({ id }) => parentPort.postMessage({ id, error: 'broken' }));`;
  const engine = startThreads('error', program);
  await expect(engine.copyPart(part(1))).rejects.toThrow('broken');
  await engine.close();
});

test('a thread that dies leaves nobody waiting, whether it was asked before or after', async () => {
  const engine = startThreads('dead', `throw new Error('no storage here');`);
  await expect(engine.copyPart(part(1))).rejects.toThrow('no storage here');
  await expect(engine.copyPart(part(2))).rejects.toThrow('no storage here');
  await expect(engine.copyPart(part(3))).rejects.toThrow('no storage here');
  await engine.close();
});

/** Answers after a while, as a file system far away; says how many threads there are. */
const slow = `parentPort.on('message', ({ id, part }) =>
  setTimeout(() => parentPort.postMessage({ id, part: { thread: threadId } }), 40));`;

test('threads that wait become more, and no more than there may be', async () => {
  // Those of the tests before count too in this process
  vi.spyOn(process.memoryUsage, 'rss').mockReturnValue(80e6);
  const engine = startThreads('slow', slow, {
    first: 1,
    most: 3,
  });
  const answers: unknown[] = [];
  const distinct = () => new Set(answers.map((answer) => JSON.stringify(answer))).size;
  // On a busy machine a thread also waits for its turn, which is no reason for another thread
  for (let round = 0; round < 40 && distinct() < 3; round++)
    await Promise.all(
      Array.from({ length: 80 }, async (_, i) => answers.push(await engine.copyPart(part(i)))),
    );
  expect(distinct()).toBe(3);
  expect(engine.threads).toBeLessThanOrEqual(3);
  await engine.close();
});
