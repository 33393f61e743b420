import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventWriter, type JobEvent, readEvents } from '../../../../cli/schedulers/local/events.ts';

let root = '';
let path = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bcopy events-'));
  path = join(root, '7.events.jsonl');
});

afterEach(() => rm(root, { recursive: true }));

const started: JobEvent = { type: 'started', task: 3, pid: 42, startTicks: '1' };
const ended: JobEvent = { type: 'ended', task: null, code: null, signal: 'SIGTERM' };

it('reads back what was appended, in order', async () => {
  const writer = new EventWriter(path);
  writer.append(started);
  writer.append(ended);
  writer.close();
  expect(await readEvents(path)).toEqual([started, ended]);
});

it('has no events of a job that never had a supervisor', async () => {
  expect(await readEvents(path)).toEqual([]);
});

it('passes over a torn last line and lines of other programs', async () => {
  await writeFile(path, `${JSON.stringify(started)}\nhello\n{"type":"danced"}\n`);
  await appendFile(path, '{"type":"ended","ta');
  expect(await readEvents(path)).toEqual([started]);
});

it('lets a job have one supervisor only', () => {
  new EventWriter(path).close();
  expect(() => new EventWriter(path)).toThrow('EEXIST');
});
