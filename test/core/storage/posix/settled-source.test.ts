import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fullFidelity } from '../../../../core/model/fidelity.ts';
import { contentSteps, type Step } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import { GroupCopy } from '../../../../core/storage/posix/copy-group.ts';
import { FileStatus } from '../../../../core/storage/posix/file-status.ts';
import { isSettled } from '../../../../core/storage/posix/settled-source.ts';
import { Trees } from '../../../../core/storage/posix/trees.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { filesGroup, requestFor, sumOf } from '../../../helpers/storage-trees.ts';

let mounted: Mounted | string;
let [source, destination] = ['', ''];
// Its clock moves on with the kernel's tick, as on all file systems before Linux 6.13
beforeEach(async ({ skip }) => {
  mounted = await mountNew('ramfs');
  if (typeof mounted === 'string') return skip(mounted);
  [source, destination] = [`${mounted.path}/source`, `${mounted.path}/destination`];
  for (const directory of [source, destination]) mkdirSync(directory);
});
afterEach(async () => {
  if (typeof mounted === 'object') await mounted.unmount();
});

/** Copies a file that is written to, in place and with the same size, right after it was read for the first time. */
function copyWhileChanging(name: string): number {
  let isChanged = false;
  const step: Step = (from, to, at, bytes) => {
    const copied = contentSteps['read/write'](from, to, at, bytes);
    if (!isChanged) overwrite(name, 'new');
    isChanged = true;
    return copied;
  };
  const request = requestFor({ source, destination });
  const trees = new Trees(request);
  const content = new ContentCopy({ steps: { ...contentSteps, 'read/write': step } });
  const means = { writer: request.writer, mayExist: true, fidelity: fullFidelity, content };
  overwrite(name, 'old');
  const group = new GroupCopy(trees, means).run(filesGroup([name], 3));
  trees.close();
  return sumOf(group, 'copied').entries;
}

function overwrite(name: string, text: string): void {
  const fd = openSync(`${source}/${name}`, 'r+');
  writeSync(fd, text, 0);
  closeSync(fd);
}

test('a second change within the same tick of the clock does not stay unseen', () => {
  const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
  for (const name of names) writeFileSync(`${source}/${name}`, 'abc');
  expect(names.map(copyWhileChanging)).toEqual(names.map(() => 1));
  const contents = names.map((name) => readFileSync(`${destination}/${name}`, 'utf8'));
  expect(new Set(contents)).toEqual(new Set(['new']));
});

describe('a file that was changed', () => {
  const status = new FileStatus();
  function ask(after: number, change: () => void = () => {}): boolean {
    writeFileSync(`${source}/f`, 'abc');
    const fd = openSync(`${source}/f`, 'r');
    status.readOpen(fd, 'look at source');
    change();
    const settled = isSettled(fd, status, () => status.ctimeMs + after);
    closeSync(fd);
    return settled;
  }
  const later = () => {
    const { ctimeMs } = statSync(`${source}/f`);
    while (statSync(`${source}/f`).ctimeMs === ctimeMs) writeFileSync(`${source}/f`, 'def');
  };

  test('just now is looked at again', () => {
    expect(ask(0)).toBe(true);
    expect(ask(0, later)).toBe(false);
    // By a server whose clock goes before ours
    expect(ask(-1000, later)).toBe(false);
  });

  test('before, or in a far future, is not', () => {
    expect(ask(1000, later)).toBe(true);
    expect(ask(-1_000_000, later)).toBe(true);
  });
});
