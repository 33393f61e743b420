import type { CommandLine } from './command-line.ts';
import { cancel } from './commands/cancel.ts';
import { clean } from './commands/clean.ts';
import { compare } from './commands/compare.ts';
import type { CommandContext } from './commands/context.ts';
import { copy } from './commands/copy.ts';
import { logs } from './commands/logs.ts';
import { manifest } from './commands/manifest.ts';
import { remove } from './commands/remove.ts';
import { saveListOf } from './commands/save-list.ts';
import { status } from './commands/status.ts';
import { undo } from './commands/undo.ts';
import { verify } from './commands/verify.ts';
import { ownFlags, readJobOptions } from './job-flags.ts';
import * as read from './job-options.ts';
import type { CommandName } from './option-table.ts';
import { readCopyOptions } from './options.ts';
import { readCompareOptions, readManifestOptions, readVerifyOptions } from './proof-options.ts';
import type { Surroundings } from './settings.ts';
import { packagePaths } from './steps/package-paths.ts';

type Flags = (CommandLine & { kind: 'command' })['flags'];
type Run = (flags: Flags, context: CommandContext) => Promise<number>;

const commands: Readonly<Record<CommandName, Run>> = {
  copy: async (flags, context) => copy(await readCopyOptions(flags, surroundings(context)), context),
  status: (flags, context) => status(read.readStatusOptions(flags), context),
  logs: (flags, context) => logs(read.readLogsOptions(flags), context),
  cancel: (flags, context) => cancel(read.readCancelOptions(flags), context),
  clean: (flags, context) => clean(read.readCleanOptions(flags), context),
  undo: (flags, context) => undo(read.readUndoOptions(flags), context),
  remove: async (flags, context) =>
    remove(
      read.readRemoveOptions(ownFlags(flags)),
      await readJobOptions(flags, surroundings(context)),
      context,
    ),
  verify: (flags, context) => verify(readVerifyOptions(flags), context),
  manifest: async (flags, context) =>
    manifest(
      readManifestOptions(ownFlags(flags)),
      await readJobOptions(flags, surroundings(context)),
      context,
    ),
  compare: async (flags, context) => {
    const options = readCompareOptions(flags);
    return 'save' in options ? saveListOf(options, context) : compare(options, context);
  },
};

/** Settles what was typed after a command, and runs it; returns the exit code. */
export async function runCommand(
  { command, flags }: CommandLine & { kind: 'command' },
  context: CommandContext,
): Promise<number> {
  return commands[command](flags, context);
}

function surroundings({ environment }: CommandContext): Surroundings {
  return { environment, node: process.execPath, workerBundle: packagePaths().workerBundle };
}
