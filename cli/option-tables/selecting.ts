import type { OptionSpec } from './option-spec.ts';

const selecting = 'What is copied (see docs/filters.md):';

export const selectingTable = [
  {
    name: 'exclude',
    kind: 'list',
    group: selecting,
    help: 'leave out what fits the pattern; of --exclude and --include the first that fits decides',
    onlyTyped: true,
  },
  {
    name: 'include',
    kind: 'list',
    group: selecting,
    help: 'copy what fits the pattern, whatever comes after',
    onlyTyped: true,
  },
  {
    name: 'exclude-from',
    kind: 'list',
    group: selecting,
    help: 'patterns from a file, one in a line; + before one is --include',
    onlyTyped: true,
  },
  {
    name: 'files-from',
    kind: 'value',
    group: selecting,
    help: 'copy only what is listed in a file, one path in a line',
    onlyTyped: true,
  },
  {
    name: 'null',
    kind: 'switch',
    group: selecting,
    help: 'what is listed ends with NUL, not with the line',
    onlyTyped: true,
  },
  {
    name: 'newer',
    kind: 'value',
    group: selecting,
    help: 'only what was written since: 30m, 12h, 7d, 2w ago, or YYYY-MM-DD[THH:MM[:SS]]',
    onlyTyped: true,
  },
  {
    name: 'older',
    kind: 'value',
    group: selecting,
    help: 'only what was not written since then',
    onlyTyped: true,
  },
  {
    name: 'min-size',
    kind: 'value',
    group: selecting,
    help: 'only files of at least so many bytes, as 500K, 20M, 1.5G',
    onlyTyped: true,
  },
  {
    name: 'max-size',
    kind: 'value',
    group: selecting,
    help: 'only files of at most so many bytes',
    onlyTyped: true,
  },
  {
    name: 'one-file-system',
    letter: 'x',
    kind: 'switch',
    group: selecting,
    help: 'leave directories empty that other file systems are mounted on',
    onlyTyped: true,
  },
  {
    name: 'directories-only',
    kind: 'switch',
    group: selecting,
    help: 'copy the skeleton: only directories',
    onlyTyped: true,
  },
] as const satisfies readonly OptionSpec[];
