import { comparingTable, keepingTable } from './keeping.ts';
import type { OptionSpec } from './option-spec.ts';
import { runningTable } from './running.ts';
import { selectingTable } from './selecting.ts';
import { siteTable, slurmTable } from './slurm.ts';

const copy = 'Copy:';

const copyingTable = [
  {
    name: 'source',
    letter: 's',
    kind: 'list',
    group: copy,
    help: 'the directory to copy, or a file; more than one with an -s for each',
    onlyTyped: true,
  },
  {
    name: 'destination',
    letter: 'd',
    kind: 'value',
    group: copy,
    help: 'where its content goes; of one file, the directory or its new name',
    onlyTyped: true,
  },
  {
    name: 'check',
    letter: 'c',
    kind: 'switch',
    group: copy,
    help: 'first see that all can be read; if not, list it and submit nothing',
  },
  {
    name: 'retry',
    kind: 'switch',
    group: copy,
    help: 'submit again what is not there yet of the newest run of this copy',
  },
  {
    name: 'dry-run',
    kind: 'optional',
    otherwise: 'entries',
    group: copy,
    help: 'print the plan, the scripts, and what would become of each entry; =plan leaves that out',
  },
  {
    name: 'json',
    kind: 'switch',
    group: copy,
    help: 'with --dry-run: one JSON object per line',
    onlyTyped: true,
  },
  {
    name: 'delete',
    kind: 'optional',
    otherwise: 'trash',
    group: copy,
    help: 'then remove at DST what SRC does not have: to a trash, or =now for good',
    onlyTyped: true,
  },
  {
    name: 'max-delete',
    kind: 'value',
    group: copy,
    help: 'entries that may go: a number, or a part of all at DST (default: 10%)',
  },
  {
    name: 'verify',
    kind: 'value',
    group: copy,
    help: 'then compare DST with SRC: none, size or checksum; what differs is copied again (default: none)',
  },
  {
    name: 'manifest',
    kind: 'value',
    group: copy,
    help: 'then hash what is at DST, and write a manifest of it to this file',
    onlyTyped: true,
  },
  {
    name: 'algorithm',
    kind: 'value',
    group: copy,
    help: 'of the manifest: xxh3, blake3, sha256, sha1 or md5 (default: xxh3)',
  },
] as const satisfies readonly OptionSpec[];

export const copyTable = [
  ...copyingTable,
  ...selectingTable,
  ...keepingTable,
  ...comparingTable,
  ...runningTable,
  ...slurmTable,
  ...siteTable,
] as const satisfies readonly OptionSpec[];
