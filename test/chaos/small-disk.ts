import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/** A file system of its own for a destination, which others can fill. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one of so many bytes in a directory; `others` is what is on it beside the destination. */
  static async mount(kind: 'ext4' | 'tmpfs', directory: string, bytes: number): Promise<SmallDisk> {
    const path = join(directory, 'disk');
    const image = join(directory, 'disk.image');
    mkdirSync(path);
    if (kind === 'tmpfs') await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', path]);
    else {
      writeFileSync(image, '');
      truncateSync(image, bytes);
      await execa('mkfs.ext4', ['-q', '-m', '0', '-N', '40000', image]);
      await execa('mount', ['-o', 'loop', image, path]);
    }
    chmodSync(path, 0o777);
    mkdirSync(join(path, 'others'));
    return new SmallDisk(path);
  }

  /** Until not a byte more goes onto it. */
  fill(): void {
    const file = openSync(join(this.path, 'others', `${Date.now()}`), 'w');
    try {
      for (let size = 8 * 2 ** 20; size >= 1024; size /= 4) this.#writeBlocks(file, Buffer.alloc(size, 1));
    } finally {
      closeSync(file);
    }
  }

  #writeBlocks(file: number, block: Buffer): void {
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(join(this.path, 'others'), { recursive: true });
    mkdirSync(join(this.path, 'others'));
  }

  async unmount(): Promise<void> {
    // Lazily: a round that failed has left workers
    await execa('umount', ['-l', this.path]);
  }
}
