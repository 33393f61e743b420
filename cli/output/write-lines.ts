import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes, and waits while the reader does not read on: many lines must not fill the memory. */
export async function writeLine(stream: Writable, line: string | Uint8Array): Promise<void> {
  if (!stream.write(line)) await once(stream, 'drain');
}
