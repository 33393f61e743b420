import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';

/** `files` has one path on a line as it is; `tar` as tar -T reads it, with its escapes. */
export type ListKind = 'files' | 'tar';

/** A path with its end. A name with a newline is in no list of lines as it is: a BcopyError. */
export function formatPath(path: string, kind: ListKind, endsWithZero: boolean): Uint8Array {
  if (endsWithZero) return toBytes(`${path}\0`);
  if (kind === 'tar') return toBytes(`${forTar(path)}\n`);
  if (!path.includes('\n')) return toBytes(`${path}\n`);
  throw new BcopyError('usage', `cannot list ${quoteName(path)}: there is a newline in its name`, {
    hint: '--null ends each path with a zero byte instead',
  });
}

/** A line of tar -T that begins with - is an option, and a backslash begins an escape. */
function forTar(path: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return /^[-\s]|\s$/.test(path) ? `./${escaped}` : escaped;
}
