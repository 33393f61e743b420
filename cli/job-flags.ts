import type { Flags } from './command-line.ts';
import { clusterTable, limitTable } from './option-tables/cluster.ts';
import { type CopyOptions, readCopyOptions } from './options.ts';
import type { Surroundings } from './settings.ts';

const names = new Set<string>([...clusterTable, ...limitTable].map(({ name }) => name));

/** The flags of a command without those that say where and how its jobs run. */
export function ownFlags(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !names.has(name)));
}

/**
 * Where and how the jobs of a command run that copies nothing: from what was typed, variables and config files, as for a
 * copy. All that concerns the trees of a copy is to be passed over.
 */
export function readJobOptions(flags: Flags, surroundings: Surroundings): Promise<CopyOptions> {
  const given = Object.entries(flags).filter(([name]) => names.has(name) || name === 'threads');
  return readCopyOptions({ ...Object.fromEntries(given), source: '.', destination: '.' }, surroundings);
}
