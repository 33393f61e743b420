import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const imageBytes = { ext4: 64 * 2 ** 20, xfs: 320 * 2 ** 20 };
export type JournalledFileSystem = keyof typeof imageBytes;

/** A file system of its own whose power can be cut. */
export type PowerCutFileSystem = {
  readonly path: string;
  /** From now on nothing reaches the disk, and every call fails. */
  readonly cut: () => void;
  /** Unmounts it and mounts what is on the disk. */
  readonly restart: () => void;
  readonly remove: () => void;
};

/** Makes and mounts one, or says in words why that cannot be. */
export function mountToCut(kind: JournalledFileSystem): PowerCutFileSystem | string {
  if (process.getuid?.() !== 0) return `only root may mount ${kind}`;
  const top = mkdtempSync(join(tmpdir(), 'bcopy-power-'));
  chmodSync(top, 0o755);
  const [path, image, program] = [`${top}/mounted`, `${top}/image`, `${top}/power-cut`];
  mkdirSync(path);
  writeFileSync(image, '');
  truncateSync(image, imageBytes[kind]);
  const source = fileURLToPath(new URL('./power-cut.c', import.meta.url));
  const steps = [
    ['cc', '-o', program, source],
    [`mkfs.${kind}`, '-q', image],
    ['mount', '-o', 'loop', image, path],
  ] as const;
  for (const [name, ...words] of steps) {
    const { status } = spawnSync(name, words, { stdio: 'ignore' });
    if (status === 0) continue;
    rmSync(top, { recursive: true, force: true });
    return `${name} does not do its part here`;
  }
  let [disk, restarts] = [image, 0];
  const unmount = () => spawnSync('umount', [path], { stdio: 'ignore' }).status === 0;
  return {
    path,
    cut: () => void execFileSync(program, [path]),
    restart: () => {
      // Another mount namespace may hold the dead file system still: what is on its disk is mounted elsewhere
      const next = `${top}/image${++restarts}`;
      execFileSync('umount', ['-l', path]);
      execFileSync('cp', ['--sparse=always', disk, next]);
      rmSync(disk);
      disk = next;
      execFileSync('mount', ['-o', 'loop', disk, path]);
    },
    remove: () => {
      if (!unmount()) execFileSync('umount', ['-l', path]);
      rmSync(top, { recursive: true, force: true });
    },
  };
}
