import type { OptionSpec } from './option-spec.ts';

const keeping = 'What is kept:';

export const keepingTable = [
  {
    name: 'preserve',
    kind: 'value',
    group: keeping,
    help: 'only these: owner,mode,times,xattr,acl,links (hard links)',
  },
  {
    name: 'no-preserve',
    kind: 'value',
    group: keeping,
    help: 'all of these but some: --no-preserve acl,xattr',
  },
  {
    name: 'require',
    kind: 'value',
    group: keeping,
    help: 'losing these is a failure: owner,xattr,acl,links,device,flags',
  },
  {
    name: 'links',
    kind: 'value',
    group: keeping,
    help: 'symlinks: copy, follow or skip (default: copy)',
  },
] as const satisfies readonly OptionSpec[];

const comparing = 'What is copied again:';

export const comparingTable = [
  {
    name: 'compare',
    kind: 'value',
    group: comparing,
    help: 'what tells a copy besides size: mtime, tail, checksum; or size alone (default: mtime)',
  },
  {
    name: 'tail-bytes',
    kind: 'value',
    group: comparing,
    help: 'bytes at the end that tail compares (default: 65536)',
  },
  {
    name: 'modify-window',
    kind: 'value',
    group: comparing,
    help: 'seconds by which equal times may differ (default: 0)',
  },
  {
    name: 'update',
    kind: 'switch',
    group: comparing,
    help: 'leave what is newer at the destination as it is',
  },
  {
    name: 'ignore-existing',
    kind: 'switch',
    group: comparing,
    help: 'leave whatever is there as it is, but directories',
  },
  {
    name: 'existing',
    kind: 'switch',
    group: comparing,
    help: 'copy only what is there already: nothing new is made',
  },
] as const satisfies readonly OptionSpec[];
