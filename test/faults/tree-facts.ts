import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What is known of one entry, as text that can be compared. */
export type EntryFacts = {
  readonly isDirectory: boolean;
  /** Type, content, mode, owner, mtime to the nanosecond, extended attributes and ACLs. */
  readonly whole: string;
  /** All that a copy looks at to know whether it is there already: type, size and mtime. */
  readonly likeness: string;
  /** The first of its names in the tree, in the order of their bytes. */
  readonly firstName: string;
};

/** Every entry below a directory, and the directory itself as `.`, by its path; each byte is a character. */
export function readFacts(top: string): Map<string, EntryFacts> {
  const facts = new Map<string, EntryFacts>();
  const firsts = new Map<bigint, string>();
  const attributes = readAttributes(top);
  const paths = [...pathsBelow(top, '.')].sort();
  for (const path of paths) {
    const place = Buffer.from(`${top}/${path}`, 'latin1');
    const status = lstatSync(place, { bigint: true });
    if (!status.isDirectory() && !firsts.has(status.ino)) firsts.set(status.ino, path);
    const whole = `${describe(place, status)} ${attributes.get(path) ?? ''}`;
    const likeness = `${status.mode & 0o170000n} ${status.size} ${status.mtimeNs}`;
    const firstName = status.isDirectory() ? path : firsts.get(status.ino)!;
    facts.set(path, { isDirectory: status.isDirectory(), whole, likeness, firstName });
  }
  return facts;
}

function* pathsBelow(top: string, path: string): Generator<string> {
  yield path;
  const directory = Buffer.from(`${top}/${path}`, 'latin1');
  for (const entry of readdirSync(directory, { encoding: 'buffer', withFileTypes: true })) {
    const below = `${path}/${Buffer.from(entry.name).toString('latin1')}`;
    if (entry.isDirectory()) yield* pathsBelow(top, below);
    else yield below;
  }
}

function describe(path: Buffer, status: BigIntStats): string {
  const { mode, uid, gid, mtimeNs, rdev } = status;
  const access = `${mode.toString(8)} ${uid}:${gid} ${mtimeNs}`;
  if (status.isDirectory()) return access;
  if (status.isSymbolicLink()) return `${access} -> ${readlinkSync(path, 'latin1')}`;
  if (!status.isFile()) return `${access} device ${rdev}`;
  const content = readFileSync(path);
  return `${access} ${content.length} bytes ${createHash('sha256').update(content).digest('hex')}`;
}

/** Extended attributes and ACLs of all that have some. */
function readAttributes(top: string): Map<string, string> {
  const line = 'find . -print0 | xargs -0 getfattr -hd -m - -e hex';
  const text = execFileSync('bash', ['-c', line], { cwd: top, encoding: 'latin1' });
  const blocks = text.split('\n\n').filter((block) => block.startsWith('# file: '));
  return new Map(
    blocks.map((block) => {
      const [first, ...rest] = block.split('\n');
      const name = unescaped(first!.slice('# file: '.length));
      return [name === '.' ? name : `./${name.replace(/^\.\//, '')}`, rest.filter(isOfFile).sort().join(' ')];
    }),
  );
}

/** XFS shows ACLs to root a second time. */
function isOfFile(attribute: string): boolean {
  return !attribute.startsWith('trusted.SGI_ACL_');
}

/** getfattr(1) writes bytes that could be mistaken as `\ooo`. */
function unescaped(name: string): string {
  return name.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
