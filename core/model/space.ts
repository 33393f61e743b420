import { formatBytes, formatCount } from './units.ts';

/** What a copy takes, or a file system or a quota has left. `inodes` is undefined where there is no limit to them. */
export type Space = { readonly bytes: number; readonly inodes: number | undefined };

/** What is too little, in words; undefined when it is enough. `quota` names the quota that leaves it, where it is one. */
export function sayTooLittle(needed: Space, free: Space, quota?: string): string | undefined {
  const have = (amount: string) => (quota === undefined ? `${amount} are free` : `${quota} leaves ${amount}`);
  const missing: string[] = [];
  if (needed.bytes > free.bytes)
    missing.push(`${formatBytes(needed.bytes)} are needed and ${have(formatBytes(free.bytes))}`);
  if (free.inodes !== undefined && (needed.inodes ?? 0) > free.inodes)
    missing.push(
      `${formatCount(needed.inodes ?? 0)} inodes are needed and ${have(formatCount(free.inodes))}`,
    );
  return missing.length === 0 ? undefined : missing.join('; ');
}
