import { realpathSync, statSync } from 'node:fs';
import { fromBytes, toBytes } from '../../core/model/names.ts';

/**
 * The path of a directory below another, `''` for the same one; undefined when it is not in it. By device and inode, so that other
 * names of the same directory are recognised. Both are there.
 */
export function pathBelow(directory: string, top: string): string | undefined {
  const wanted = look(top);
  const path = fromBytes(realpathSync.native(bytesOf(directory), { encoding: 'buffer' }));
  const names = path.split('/').filter((name) => name !== '');
  for (let count = names.length; count >= 0; count--) {
    const above = look(`/${names.slice(0, count).join('/')}`);
    if (above.dev === wanted.dev && above.ino === wanted.ino) return names.slice(count).join('/');
  }
  return undefined;
}

function look(path: string): { dev: bigint; ino: bigint } {
  return statSync(bytesOf(path), { bigint: true });
}

function bytesOf(path: string): Buffer {
  return Buffer.from(toBytes(path));
}
