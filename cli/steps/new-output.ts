import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { Identity } from '../../core/storage/posix/entry-rules.ts';
import { identityOfOpen } from '../../core/storage/posix/scan.ts';

const atOnce = 1 << 16;

/** A file of the user's that is written whole or not at all: it has another name until it is on disk. */
export class NewOutput {
  readonly identity: Identity;
  readonly #temporary: string;
  readonly #path: string;
  readonly #fd: number;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#temporary = `${path}.new-${process.pid}`;
    this.#fd = this.#try(() => openSync(bytesOf(this.#temporary), 'wx', 0o666));
    this.identity = identityOfOpen(this.#fd);
  }

  write(line: string): void {
    const bytes = toBytes(line);
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= atOnce) this.#flush();
  }

  finish(): void {
    this.#flush();
    this.#try(() => fsyncSync(this.#fd));
    closeSync(this.#fd);
    this.#try(() => renameSync(bytesOf(this.#temporary), bytesOf(this.#path)));
  }

  abandon(): void {
    closeSync(this.#fd);
    unlinkSync(bytesOf(this.#temporary));
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#waiting);
    [this.#waiting, this.#bytes] = [[], 0];
    this.#try(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    });
  }

  #try<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code ?? message;
      throw new BcopyError('destinationUnwritable', `cannot write ${quoteName(this.#path)}: ${why}`);
    }
  }
}

function bytesOf(path: string): Buffer {
  return Buffer.from(toBytes(path));
}
