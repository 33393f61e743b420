import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** File systems that a test can have for itself; `ramfs` knows neither extended attributes nor ACLs. */
export const fileSystems = ['ext4', 'xfs', 'btrfs', 'tmpfs', 'ramfs'] as const;
export type FileSystem = (typeof fileSystems)[number];

const MiB = 2 ** 20;
const imageBytes: Partial<Record<FileSystem | 'ext2' | 'ext3', number>> = {
  ext2: 64 * MiB,
  ext3: 64 * MiB,
  ext4: 64 * MiB,
  xfs: 400 * MiB,
  btrfs: 256 * MiB,
};

/** `make` is for mkfs, `options` for mount(8), `as` the type that it is mounted as. */
export type MountWords = {
  readonly make?: readonly string[];
  readonly options?: readonly string[];
  readonly as?: string;
};

/** An empty file system, mounted. */
export type Mounted = { readonly path: string; readonly unmount: () => Promise<void> };

/** Mounts a new file system, or says in words why that cannot be. */
export async function mountNew(
  kind: FileSystem | 'ext2' | 'ext3',
  { make = [], options: more = [], as = kind }: MountWords = {},
): Promise<Mounted | string> {
  if (process.getuid?.() !== 0) return `only root may mount ${kind}`;
  const top = mkdtempSync(join(tmpdir(), `bcopy-${kind}-`));
  chmodSync(top, 0o755);
  const path = `${top}/mounted`;
  mkdirSync(path);
  const remove = () => rmSync(top, { recursive: true, force: true });
  const options = await makeImage(kind, `${top}/image`, make);
  const done =
    typeof options === 'string'
      ? undefined
      : await execa('mount', ['-t', as, '-o', ['rw', ...options.own, ...more].join(), options.device, path], {
          reject: false,
        });
  if (done === undefined || done.failed) {
    remove();
    return typeof options === 'string'
      ? options
      : `this machine does not let root mount ${kind}: ${done?.stderr}`;
  }
  const unmount = async () => {
    // Lazily: a test that failed has left files open
    await execa('umount', ['-l', path]);
    remove();
  };
  return { path, unmount };
}

type Image = { readonly device: string; readonly own: readonly string[] };

/** What to mount and how, or why there is no such file system here. */
async function makeImage(kind: string, image: string, more: readonly string[]): Promise<Image | string> {
  const bytes = imageBytes[kind as keyof typeof imageBytes];
  if (bytes === undefined) return { device: 'none', own: [] };
  writeFileSync(image, '');
  truncateSync(image, bytes);
  // Blocks of 1 KiB, which a small image would get, hold few attributes
  const words = kind.startsWith('ext') ? ['-b', '4096'] : [];
  const made = await execa(`mkfs.${kind}`, ['-q', ...words, ...more, image], { reject: false });
  return made.failed ? `mkfs.${kind} is not installed here` : { device: image, own: ['loop'] };
}
