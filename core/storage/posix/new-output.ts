import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { BcopyError } from '../../model/errors.ts';
import { quoteName, toBytes } from '../../model/names.ts';
import type { Identity } from './entry-rules.ts';
import { identityOfOpen } from './scan.ts';

const atOnce = 1 << 16;

/** A file of the user's that is written whole or not at all: it has another name until it is on disk. */
export class NewOutput {
  readonly identity: Identity;
  readonly #temporary: string;
  readonly #path: string;
  readonly #fd: number;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isOpen = true;

  /** Without a mode it has that of a new file. */
  constructor(path: string, mode?: number) {
    this.#path = path;
    this.#temporary = `${path}.new-${process.pid}`;
    this.#refuseOther();
    this.#fd = this.#try(() => openSync(bytesOf(this.#temporary), 'wx', 0o666));
    if (mode !== undefined) this.#try(() => fchmodSync(this.#fd, mode));
    this.identity = identityOfOpen(this.#fd);
  }

  /** A device or its like would be replaced. */
  #refuseOther(): void {
    const found = lstatSync(bytesOf(this.#path), { throwIfNoEntry: false });
    if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
    const why = found.isDirectory() ? 'it is a directory' : 'it is no file';
    throw new BcopyError('destinationUnwritable', `cannot write ${quoteName(this.#path)}: ${why}`);
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
    this.#close();
    this.#try(() => renameSync(bytesOf(this.#temporary), bytesOf(this.#path)));
  }

  /** Nothing of it is left; what was there before stays. */
  abandon(): void {
    this.#close();
    rmSync(bytesOf(this.#temporary), { force: true });
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
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
