/**
 * One thing in the source tree, as the tape holds it. `name` is a name in the directory that is in force;
 * a directory's `path` is relative to the source (`''` is the source itself). Both are text that stands for
 * bytes (see names.ts).
 */
export type Entry =
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** The scan has found it at the destination already, and nothing is put into it, or made in it: it stays as it was found. */
      readonly isSame?: true;
    }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly bytes: number;
      /** The scan has found it at the destination already. */
      readonly isSame?: true;
    }
  /** A further name of a file whose first name is the entry with ordinal `first`. */
  | { readonly kind: 'link'; readonly name: string; readonly first: number }
  | {
      readonly kind: 'symlink';
      readonly name: string;
      /** As of a file. */
      readonly isSame?: true;
    }
  /** FIFO, socket or device. */
  | { readonly kind: 'special'; readonly name: string }
  /** What the scan could not look at; the name is empty when the directory itself could not be read to its end. */
  | { readonly kind: 'unreadable'; readonly name: string; readonly errno: string };

export const entryKinds = [
  'directory',
  'file',
  'link',
  'symlink',
  'special',
  'unreadable',
] as const satisfies readonly Entry['kind'][];

/** The bytes that an entry adds to the plan: content only, so a further name of a file adds none. */
export function bytesOf(entry: Entry): number {
  return entry.kind === 'file' ? entry.bytes : 0;
}

/** The path of an entry below the source, given the directory in force. */
export function pathOf(directory: string, entry: Entry): string {
  return entry.kind === 'directory' ? entry.path : joinPath(directory, entry.name);
}

export function joinPath(directory: string, name: string): string {
  if (directory === '') return name;
  return name === '' ? directory : `${directory}/${name}`;
}
