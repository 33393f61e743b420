import { fileURLToPath } from 'node:url';
import type { RunOptions } from './copy-run.ts';
import type { Command } from './measure.ts';

export const threads = 2;

/** The places of one run. */
export type Where = RunOptions & {
  readonly source: string;
  /** Not there yet; on the volume. */
  readonly destination: string;
  /** The list of entries that the floor reads. */
  readonly list: string;
};

export type Launch = { readonly command: Command; readonly options: RunOptions };

export const labels = {
  whole: 'bcopy, whole command',
  worker: 'bcopy, worker',
  cp: 'cp -a',
  rsync: 'rsync -a',
  floor: `floor, ${threads} threads`,
  unnamedFloor: 'floor, unnamed files',
} as const;

export const bcopyProgram = fileURLToPath(new URL('../cli/main.js', import.meta.url));
