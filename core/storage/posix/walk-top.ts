import type { OpenChild } from './directory-stack.ts';
import { duplicate } from './libc.ts';
import { check } from './system-error.ts';

/** A directory that a walk has right below its top, open. */
export type WalkRoot = { readonly name: string; readonly fd: number };

/** Where a walk begins: plain data, since descriptors are the whole process's. */
export type WalkTop = {
  /** An open directory, the root of the walk; of no meaning where there are `roots`. */
  readonly root: number;
  /** In its stead: the top is none then, and only these are walked. */
  readonly roots?: readonly WalkRoot[];
};

/** Opens what is in directories as `openChild` does, but for the roots, which are open already. */
export function openBelow({ roots }: WalkTop, openChild: OpenChild): OpenChild {
  if (roots === undefined) return openChild;
  const byName = new Map(roots.map(({ name, fd }) => [name, fd]));
  return (parent, name, names) =>
    names.length > 1 ? openChild(parent, name, names) : openAgain(byName.get(names[0]!)!);
}

/** A root again, for who closes what he opens. Throws a SystemError. */
export function openAgain(fd: number): number {
  return check(duplicate(fd), 'open source directory');
}

/** The open root that a path of the walk leads through, and the rest of the path. */
export function rootOn(
  { root, roots }: WalkTop,
  path: string,
): { readonly fd: number; readonly below: string } {
  if (roots === undefined) return { fd: root, below: path };
  const slash = path.indexOf('/');
  const name = slash < 0 ? path : path.slice(0, slash);
  const below = slash < 0 ? '' : path.slice(slash + 1);
  return { fd: roots.find((one) => one.name === name)?.fd ?? root, below };
}
