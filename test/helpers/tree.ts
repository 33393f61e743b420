import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { execa } from 'execa';

/** What may be said of an entry; what is left out of a literal is left to the system. */
export type Attributes = { readonly mode?: number; readonly mtimeNs?: bigint | string };
type Shown = { mode?: number; mtimeNs?: string };
/** Small files show their content, larger ones their size and sum. */
export type FileNode = Shown & { kind: 'file'; content?: string; size?: number; sha256?: string };
export type DirectoryNode = Shown & { kind: 'directory'; children: Tree };
export type SymlinkNode = Shown & { kind: 'symlink'; target: string };
export type HardLinkNode = { kind: 'hard link'; to: string };
export type FifoNode = Shown & { kind: 'fifo' };
export type OtherNode = Shown & { kind: 'other' };
export type TreeNode = FileNode | DirectoryNode | SymlinkNode | HardLinkNode | FifoNode | OtherNode;
/** Names and what they hold; a string is a file's content, a plain object a directory. */
export type Tree = { readonly [name: string]: string | TreeNode | Tree };

type Piece = readonly [offset: number, content: Uint8Array];
const smallSize = 4096;
/** The bytes of files that are too large to be shown. */
const pieces = new WeakMap<FileNode, readonly Piece[]>();

/** Bytes as text: UTF-8 where all of it is valid, otherwise each byte above 0x7f as U+DC00 + byte; nothing is lost. */
export function toText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString();
  if (Buffer.from(text).equals(buffer)) return text;
  return buffer
    .toString('latin1')
    .replace(/[\x80-\xff]/g, (char) => String.fromCharCode(0xdc00 + char.charCodeAt(0)));
}

/** The bytes that `toText` showed. */
export function toBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.from(
    text.replace(/[\udc80-\udcff]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xdc00)),
    'latin1',
  );
}

function shown({ mode, mtimeNs }: Attributes): Shown {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(mtimeNs === undefined ? {} : { mtimeNs: `${mtimeNs}` }),
  };
}

/** A file with this content. */
export function file(content: string | Uint8Array, attributes: Attributes = {}): FileNode {
  const bytes = typeof content === 'string' ? toBytes(content) : content;
  if (bytes.length <= smallSize) return { kind: 'file', content: toText(bytes), ...shown(attributes) };
  return sparseFile(bytes.length, [[0, bytes]], attributes);
}

/** A file of `size` bytes that is a hole but for these pieces. */
export function sparseFile(
  size: number,
  data: readonly (readonly [offset: number, content: string | Uint8Array])[] = [],
  attributes: Attributes = {},
): FileNode {
  const bytes: Piece[] = data.map(([offset, part]) => [
    offset,
    typeof part === 'string' ? toBytes(part) : part,
  ]);
  const sum = createHash('sha256');
  const zeros = Buffer.alloc(1 << 20);
  let position = 0;
  for (const [offset, part] of [...bytes, [size, Buffer.alloc(0)] as Piece]) {
    while (position < offset) {
      const hole = zeros.subarray(0, offset - position);
      sum.update(hole);
      position += hole.length;
    }
    sum.update(part);
    position += part.length;
  }
  const node: FileNode = { kind: 'file', size, sha256: sum.digest('hex'), ...shown(attributes) };
  pieces.set(node, bytes);
  return node;
}

/** A directory with attributes; without any, a plain object does. */
export function directory(children: Tree = {}, attributes: Attributes = {}): DirectoryNode {
  return { kind: 'directory', children, ...shown(attributes) };
}
export function symlinkTo(
  target: string | Uint8Array,
  attributes: Pick<Attributes, 'mtimeNs'> = {},
): SymlinkNode {
  return {
    kind: 'symlink',
    target: typeof target === 'string' ? target : toText(target),
    ...shown(attributes),
  };
}
/** Another name of the file at `path`, seen from the root of the tree. */
export function hardLinkTo(path: string): HardLinkNode {
  return { kind: 'hard link', to: path };
}
export function fifo(attributes: Attributes = {}): FifoNode {
  return { kind: 'fifo', ...shown(attributes) };
}

/** A tree from pairs, for names that an object literal cannot hold: bytes, `__proto__`. */
export function tree(entries: readonly (readonly [string | Uint8Array, string | TreeNode | Tree])[]): Tree {
  const made: Record<string, string | TreeNode | Tree> = Object.create(null);
  for (const [name, node] of entries) made[typeof name === 'string' ? name : toText(name)] = node;
  return made;
}

const kinds = ['file', 'directory', 'symlink', 'hard link', 'fifo', 'other'];
/** A directory may hold a file named `kind`, so its node is known by one of the six words. */
const isNode = (value: TreeNode | Tree): value is TreeNode =>
  Object.hasOwn(value, 'kind') && typeof value.kind === 'string' && kinds.includes(value.kind);

function asNode(value: string | TreeNode | Tree): TreeNode {
  if (typeof value === 'string') return file(value);
  return isNode(value) ? value : directory(value);
}

const below = (path: Uint8Array, name: string): Buffer =>
  Buffer.concat([path, Buffer.from('/'), toBytes(name)]);

/** Runs a program for words that may hold any byte, `atOnce` of them each time. */
async function runForEach(
  command: readonly string[],
  atOnce: number,
  words: readonly (string | Uint8Array)[],
) {
  if (words.length === 0) return;
  const input = Buffer.concat(words.flatMap((word) => [Buffer.from(word), Buffer.from([0])]));
  await execa('xargs', ['-0', '-n', `${atOnce}`, ...command], { input });
}

/** Makes `dir`, which must not exist or be empty, hold this tree. Paths beyond PATH_MAX are not supported. */
export async function makeTree(dir: string, root: Tree | DirectoryNode): Promise<void> {
  const attributes: { path: Buffer; node: Shown; isLink: boolean }[] = [];
  const links: [to: string, path: Buffer][] = [];
  const fifos: Buffer[] = [];
  const top = Buffer.from(resolve(dir));
  const make = (path: Buffer, node: TreeNode): void => {
    if (node.kind === 'directory') {
      mkdirSync(path, { recursive: path === top });
      for (const [name, child] of Object.entries(node.children)) make(below(path, name), asNode(child));
    } else if (node.kind === 'file') makeFile(path, node);
    else if (node.kind === 'symlink') symlinkSync(toBytes(node.target), path);
    else if (node.kind === 'fifo') fifos.push(path);
    else if (node.kind === 'hard link') links.push([node.to, path]);
    if (node.kind !== 'hard link') attributes.push({ path, node, isLink: node.kind === 'symlink' });
  };
  make(top, asNode(root));
  await runForEach(['mkfifo'], 100, fifos);
  for (const [to, path] of links) linkSync(below(top, to), path);
  // Deepest first, times before modes: a directory may not let its owner in afterwards
  const timed = attributes.flatMap(({ path, node }) =>
    node.mtimeNs === undefined ? [] : [touchDate(BigInt(node.mtimeNs)), path],
  );
  await runForEach(['touch', '-h', '-d'], 2, timed);
  for (const { path, node, isLink } of attributes) {
    if (node.mode !== undefined && !isLink) chmodSync(path, node.mode);
  }
}

function touchDate(ns: bigint): string {
  const digits = `${ns < 0n ? -ns : ns}`.padStart(10, '0');
  return `@${ns < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function makeFile(path: Buffer, node: FileNode): void {
  const descriptor = openSync(path, 'wx');
  const parts = pieces.get(node) ?? [[0, toBytes(node.content ?? '')] as const];
  for (const [offset, part] of parts) {
    for (let done = 0; done < part.length; )
      done += writeSync(descriptor, part, done, part.length - done, offset + done);
  }
  if (node.size !== undefined) ftruncateSync(descriptor, node.size);
  closeSync(descriptor);
}

/** With `attributes: false`, modes and times are left out, and files and directories are strings and objects. */
export type ReadTreeOptions = { readonly attributes?: boolean };

/**
 * The literal of what `dir` holds, so that two trees are equal exactly when their literals are. Of several names of
 * one file the first in byte order holds it, and the others are hard links to that.
 */
export async function readTree(dir: string, { attributes = true }: ReadTreeOptions = {}): Promise<Tree> {
  const firstNames = new Map<string, string>();
  const readChildren = (path: Buffer, prefix: string): Tree => {
    const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare).map(toText);
    return tree(names.map((name) => [name, read(below(path, name), `${prefix}${name}`)]));
  };
  const read = (path: Buffer, name: string): string | TreeNode | Tree => {
    const status = lstatSync(path, { bigint: true });
    const seen = attributes ? { mode: Number(status.mode & 0o7777n), mtimeNs: status.mtimeNs } : {};
    if (status.isDirectory()) {
      const children = readChildren(path, `${name}/`);
      return attributes ? directory(children, seen) : children;
    }
    const identity = `${status.dev}:${status.ino}`;
    const first = firstNames.get(identity);
    if (first !== undefined) return hardLinkTo(first);
    if (status.nlink > 1n) firstNames.set(identity, name);
    if (status.isSymbolicLink()) {
      const { mode: _, ...times } = seen;
      return symlinkTo(readlinkSync(path, { encoding: 'buffer' }), times);
    }
    if (status.isFIFO()) return fifo(seen);
    if (!status.isFile()) return { kind: 'other', ...shown(seen) };
    const node = readFile(path, Number(status.size), seen);
    return attributes ? node : (node.content ?? node);
  };
  return readChildren(Buffer.from(resolve(dir)), '');
}

function readFile(path: Buffer, size: number, attributes: Attributes): FileNode {
  const descriptor = openSync(path, 'r');
  const block = Buffer.alloc(Math.min(Math.max(size, 1), 1 << 20));
  const sum = createHash('sha256');
  let read = 0;
  for (
    let got = readSync(descriptor, block);
    got > 0;
    got = size > smallSize ? readSync(descriptor, block) : 0
  ) {
    read += got;
    if (size > smallSize) sum.update(block.subarray(0, got));
  }
  closeSync(descriptor);
  if (size <= smallSize) return file(block.subarray(0, read), attributes);
  return { kind: 'file', size: read, sha256: sum.digest('hex'), ...shown(attributes) };
}

/** How many entries `makeManyFiles` makes, and how large each file is. */
export type ManyFiles = { readonly files: number; readonly directories: number; readonly bytes: number };

/** Files spread evenly over directories `d0` ..., fast enough for hundreds of thousands. */
export function makeManyFiles(dir: string, { files, directories, bytes }: ManyFiles): void {
  mkdirSync(dir, { recursive: true });
  const content = Buffer.alloc(bytes, 'bcopy ');
  for (let number = 0; number < directories; number++) mkdirSync(`${dir}/d${number}`);
  for (let number = 0; number < files; number++) {
    const parent = directories > 0 ? `${dir}/d${number % directories}` : dir;
    writeFileSync(`${parent}/f${number}`, content);
  }
}
