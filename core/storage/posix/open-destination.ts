import { close } from './libc.ts';
import { openRoot } from './open-root.ts';
import { SystemError } from './system-error.ts';

/** The destination, open to be looked at; undefined when it cannot be opened. The caller closes it. */
export function openDestination({ path }: { readonly path: string }): number | undefined {
  try {
    return openRoot(path, 'open the destination', undefined);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

export function closeDirectory(fd: number): void {
  close(fd);
}
