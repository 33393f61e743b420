import { copyTable } from './option-tables/copy.ts';
import { cleanTable, logsTable, removeTable, statusTable } from './option-tables/jobs.ts';
import type { OptionSpec } from './option-tables/option-spec.ts';
import { compareTable, manifestTable, verifyTable } from './option-tables/proof.ts';

export type CommandName =
  | 'copy'
  | 'status'
  | 'logs'
  | 'cancel'
  | 'clean'
  | 'undo'
  | 'remove'
  | 'verify'
  | 'manifest'
  | 'compare';

export const optionTables: Readonly<Record<CommandName, readonly OptionSpec[]>> = {
  copy: copyTable,
  status: statusTable,
  logs: logsTable,
  cancel: [],
  clean: cleanTable,
  undo: [],
  remove: removeTable,
  verify: verifyTable,
  manifest: manifestTable,
  compare: compareTable,
};
