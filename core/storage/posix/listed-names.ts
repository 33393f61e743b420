import { toBytes } from '../../model/names.ts';

/**
 * The names that directories of the source are taken to have, by the directory's path, in blocks as getdents64(2)
 * gives them, but of unknown type and inode. Plain data, that goes to threads as it is.
 */
export type ListedNames = ReadonlyMap<string, readonly Uint8Array[]>;

const blockBytes = 1 << 16;
/** Bytes of a linux_dirent64 before its name. */
const header = 19;

/**
 * Paths, each once, as names of the directories that they are in: the directories above each of them are listed with it, and what
 * is in a listed directory is not, as that is walked whole. Undefined when the source itself is listed.
 */
export function listNames(whole: ReadonlySet<string>): ListedNames | undefined {
  if (whole.has('')) return undefined;
  const names = new Map<string, Set<string>>([['', new Set()]]);
  for (const path of whole) addPath(names, path, whole);
  return new Map(Array.from(names, ([directory, own]) => [directory, toBlocks(own)]));
}

function addPath(names: Map<string, Set<string>>, path: string, whole: ReadonlySet<string>): void {
  const steps = path.split('/');
  const above = steps.map((_, depth) => steps.slice(0, depth).join('/'));
  if (above.some((directory) => whole.has(directory))) return;
  for (const [depth, directory] of above.entries()) {
    const own = names.get(directory) ?? new Set();
    names.set(directory, own.add(steps[depth]!));
  }
}

function toBlocks(names: ReadonlySet<string>): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let [block, filled] = [Buffer.alloc(blockBytes), 0];
  for (const name of names) {
    const bytes = toBytes(name);
    const length = (header + bytes.length + 1 + 7) & ~7;
    if (filled + length > blockBytes) {
      blocks.push(new Uint8Array(block.subarray(0, filled)));
      [block, filled] = [Buffer.alloc(blockBytes), 0];
    }
    block.writeUInt16LE(length, filled + 16);
    block.set(bytes, filled + header);
    filled += length;
  }
  return filled > 0 ? [...blocks, new Uint8Array(block.subarray(0, filled))] : blocks;
}
