import { clusterTable, limitTable } from './cluster.ts';
import type { OptionSpec } from './option-spec.ts';
import { runningTable } from './running.ts';
import { siteTable, slurmTable } from './slurm.ts';

const proving = 'Proof:';

const comparisonTable = [
  {
    name: 'compare',
    kind: 'value',
    group: proving,
    help: 'files are the same by size, by size and mtime, or by checksum: read whole (default: checksum)',
  },
  {
    name: 'preserve',
    kind: 'value',
    group: proving,
    help: 'only these are compared: owner,mode,times,xattr,acl,links (hard links)',
  },
  {
    name: 'no-preserve',
    kind: 'value',
    group: proving,
    help: 'all of these but some: --no-preserve owner',
  },
  {
    name: 'modify-window',
    kind: 'value',
    group: proving,
    help: 'seconds by which mtimes may differ that count as the same (default: 0)',
  },
  { name: 'json', kind: 'switch', group: proving, help: 'one JSON object per line' },
  { name: 'threads', kind: 'value', group: proving, help: 'files read at once (default: as many as CPUs)' },
] as const satisfies readonly OptionSpec[];

const jobNames: readonly string[] = [
  'scheduler',
  'workers',
  'shards',
  'bwlimit',
  'ops-limit',
  'checkpoint',
  'max-attempts',
  'no-continue',
];

/** Of the jobs that compare: as for a copy. */
export const jobTable: readonly OptionSpec[] = [
  ...runningTable.filter(({ name }) => jobNames.includes(name)),
  ...slurmTable,
  ...siteTable,
];

export const verifyTable = [
  { name: 'source', letter: 's', kind: 'value', group: proving, help: 'the directory that was copied' },
  { name: 'destination', letter: 'd', kind: 'value', group: proving, help: 'what must be like it' },
  ...comparisonTable,
  { name: 'manifest', kind: 'value', group: proving, help: 'compare DIR with this manifest instead' },
  {
    name: 'algorithm',
    kind: 'value',
    group: proving,
    help: 'of a manifest that does not say it: xxh3, blake3, sha256, sha1, md5 (default: by its digits, xxh3 or sha256)',
  },
  { name: 'strict', kind: 'switch', group: proving, help: 'a file that the manifest lacks is a difference' },
  { name: 'no-wait', kind: 'switch', group: proving, help: 'submit, and do not stay for the answer' },
  ...jobTable,
] as const satisfies readonly OptionSpec[];

export const compareTable = [
  ...comparisonTable,
  {
    name: 'only',
    kind: 'value',
    group: proving,
    help: 'only differences of these kinds, as missing,size,content',
  },
  {
    name: 'list',
    kind: 'value',
    group: proving,
    help: 'print the paths: files, as --files-from takes them, or tar, as tar -T does; without --only what B lacks or has otherwise',
  },
  { name: 'null', kind: 'switch', group: proving, help: 'end each path of a list with a zero byte' },
  {
    name: 'save',
    kind: 'value',
    group: proving,
    help: 'compare nothing: save a list of A to this file, which can stand for A later',
  },
] as const satisfies readonly OptionSpec[];

export const manifestTable = [
  {
    name: 'algorithm',
    kind: 'value',
    group: proving,
    help: 'xxh3, blake3, sha256, sha1 or md5 (default: xxh3, of 128 bits)',
  },
  {
    name: 'output',
    letter: 'o',
    kind: 'value',
    group: proving,
    help: 'write it to this file, whole or not at all (default: print it)',
  },
  { name: 'threads', kind: 'value', group: proving, help: 'files read at once (default: as many as CPUs)' },
  ...limitTable,
  ...clusterTable,
] as const satisfies readonly OptionSpec[];
