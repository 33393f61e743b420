import { clusterTable } from './cluster.ts';
import type { OptionSpec } from './option-spec.ts';

export const statusTable = [
  { name: 'json', kind: 'switch', group: 'Status:', help: 'one JSON object per line' },
] as const satisfies readonly OptionSpec[];

export const logsTable = [
  { name: 'shard', kind: 'value', group: 'Logs:', help: 'the log of the task that has this shard' },
  { name: 'err', kind: 'switch', group: 'Logs:', help: 'what went wrong instead: the .err file' },
  { name: 'follow', kind: 'switch', group: 'Logs:', help: 'go on printing until the copy has ended' },
] as const satisfies readonly OptionSpec[];

export const cleanTable = [
  { name: 'dry-run', kind: 'switch', group: 'Clean:', help: 'tell what would be removed; remove nothing' },
] as const satisfies readonly OptionSpec[];

export const removeTable = [
  { name: 'yes', kind: 'switch', group: 'Remove:', help: 'do not ask' },
  {
    name: 'threads',
    kind: 'value',
    group: 'Remove:',
    help: 'what each task removes at once (default: as it pays, up to 16)',
  },
  ...clusterTable,
] as const satisfies readonly OptionSpec[];
