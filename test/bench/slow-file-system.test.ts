import { existsSync, readFileSync } from 'node:fs';
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { afterAll, expect, it } from 'vitest';
import { mountSlow } from '../../bench/slow-file-system.ts';

const slow = await mountSlow(20);
if (typeof slow === 'string') console.log(`skipped: the slow file system: ${slow}`);
const isHere = typeof slow !== 'string';
afterAll(() => (isHere ? slow.unmount() : undefined));

it.skipIf(!isHere)('passes on what is done on it', async () => {
  if (!isHere) return;
  await mkdir(`${slow.path}/d`, { mode: 0o750 });
  await writeFile(`${slow.path}/d/t`, 'content', { mode: 0o640, flag: 'wx' });
  await rename(`${slow.path}/d/t`, `${slow.path}/d/f`);
  await link(`${slow.path}/d/f`, `${slow.path}/d/g`);
  await symlink('f', `${slow.path}/d/s`);
  await utimes(`${slow.path}/d/f`, 1.5, 2.25);
  expect((await readdir(`${slow.path}/d`)).sort()).toEqual(['f', 'g', 's']);
  expect(await readFile(`${slow.behind}/d/s`, 'utf8')).toBe('content');
  const { mode, nlink, mtimeMs, ino } = await stat(`${slow.behind}/d/g`);
  expect({ mode, nlink, mtimeMs }).toEqual({ mode: 0o100640, nlink: 2, mtimeMs: 2250 });
  expect((await stat(`${slow.path}/d/f`)).ino).toBe(ino);
  await expect(writeFile(`${slow.path}/d/f`, '', { flag: 'wx' })).rejects.toMatchObject({ code: 'EEXIST' });
});

it.skipIf(!isHere)('lets each request wait, and many at once', async () => {
  if (!isHere) return;
  const names = ['a', 'b', 'c', 'e'];
  for (const name of names) await writeFile(`${slow.behind}/${name}`, '');
  slow.forget();
  const start = performance.now();
  await Promise.all(names.map((name) => stat(`${slow.path}/${name}`)));
  expect(performance.now() - start).toBeGreaterThan(18);
  expect(slow.statistics().requests).toBeGreaterThanOrEqual(4);
  expect(slow.statistics().most).toBeGreaterThan(1);
});

it.skipIf(!isHere)('is gone when it is unmounted, also while a file is open', async () => {
  const other = await mountSlow(1);
  if (typeof other === 'string') throw new Error(other);
  const file = await open(`${other.path}/f`, 'w');
  await other.unmount();
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(other.path);
  expect(existsSync(other.path)).toBe(false);
  await file.close().catch(() => undefined);
});
