import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

type Listed = { readonly type: string; readonly path: string; readonly record: string };

/** Writes the list of a tree's entries that bench/floor.c reads; returns how many it left out (special files). */
export function writeFloorList(source: string, file: string): { entries: number; leftOut: number } {
  const format = '%y %n %i %s %P\\0';
  const found = spawnSync('find', [source, '-printf', format], { maxBuffer: 2 ** 30, encoding: 'latin1' });
  if (found.status !== 0) throw new Error(`cannot list ${source}: ${found.stderr.trim()}`);
  const firsts = new Map<string, string>();
  const lines = found.stdout.split('\0').filter(Boolean);
  const listed = lines.map((line) => toListed(line, firsts));
  const kept = listed.filter(({ record }) => record !== '');
  const directories = kept.filter(({ type }) => type === 'd');
  const others = byDirectory(kept.filter(({ type }) => type !== 'd'));
  const records = [...directories, ...others].map(({ record }) => record);
  writeFileSync(file, records.join(''), 'latin1');
  return { entries: listed.length, leftOut: listed.length - kept.length };
}

function toListed(line: string, firsts: Map<string, string>): Listed {
  const [, type, links, inode, bytes, path] = /^(.) (\d+) (\d+) (\d+) (.*)$/s.exec(line)!;
  return { type: type!, path: path!, record: recordOf(type!, path!, bytes!, firstOf()) };

  function firstOf(): string | undefined {
    if (type !== 'f' || links === '1') return undefined;
    const first = firsts.get(inode!);
    if (first === undefined) firsts.set(inode!, path!);
    return first;
  }
}

function recordOf(type: string, path: string, bytes: string, first: string | undefined): string {
  if (first !== undefined) return `h${path}\0=${first}\0`;
  if (type === 'f') return `f${bytes}/${path}\0`;
  return type === 'd' ? `d${path}\0` : type === 'l' ? `s${path}\0` : '';
}

function byDirectory(listed: readonly Listed[]): Listed[] {
  const groups = new Map<string, Listed[]>();
  for (const one of listed) {
    const directory = one.path.slice(0, Math.max(0, one.path.lastIndexOf('/')));
    const group = groups.get(directory);
    if (group === undefined) groups.set(directory, [one]);
    else group.push(one);
  }
  return [...groups.values()].flat();
}
