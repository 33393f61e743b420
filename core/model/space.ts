import { formatBytes, formatCount } from './units.ts';

/** What a copy takes, or a file system has left. `inodes` is undefined where there is no limit to them. */
export type Space = { readonly bytes: number; readonly inodes: number | undefined };

/** What is too little, in words; undefined when it is enough. */
export function sayTooLittle(needed: Space, free: Space): string | undefined {
  const missing: string[] = [];
  if (needed.bytes > free.bytes)
    missing.push(`${formatBytes(needed.bytes)} are needed and ${formatBytes(free.bytes)} are free`);
  if (free.inodes !== undefined && (needed.inodes ?? 0) > free.inodes)
    missing.push(
      `${formatCount(needed.inodes ?? 0)} inodes are needed and ${formatCount(free.inodes)} are free`,
    );
  return missing.length === 0 ? undefined : missing.join('; ');
}
