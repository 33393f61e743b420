import type { CommandLine } from './command-line.ts';
import type { CommandContext } from './commands/context.ts';
import type { CommandName } from './option-table.ts';
import type { Surroundings } from './settings.ts';
import { packagePaths } from './steps/package-paths.ts';

type Flags = (CommandLine & { kind: 'command' })['flags'];
type Run = (flags: Flags, context: CommandContext) => Promise<number>;

/** Each is made ready when it is wanted; all lie in one file, so that it costs no calls. */
const commands: Readonly<Record<CommandName, Run>> = {
  copy: async (flags, context) => {
    const { readCopyOptions } = await import('./options.ts');
    const { copy } = await import('./commands/copy.ts');
    return copy(await readCopyOptions(flags, surroundings(context)), context);
  },
  status: async (flags, context) => {
    const { readStatusOptions } = await import('./job-options.ts');
    const { status } = await import('./commands/status.ts');
    return status(readStatusOptions(flags), context);
  },
  logs: async (flags, context) => {
    const { readLogsOptions } = await import('./job-options.ts');
    const { logs } = await import('./commands/logs.ts');
    return logs(readLogsOptions(flags), context);
  },
  cancel: async (flags, context) => {
    const { readCancelOptions } = await import('./job-options.ts');
    const { cancel } = await import('./commands/cancel.ts');
    return cancel(readCancelOptions(flags), context);
  },
  clean: async (flags, context) => {
    const { readCleanOptions } = await import('./job-options.ts');
    const { clean } = await import('./commands/clean.ts');
    return clean(readCleanOptions(flags), context);
  },
  undo: async (flags, context) => {
    const { readUndoOptions } = await import('./job-options.ts');
    const { undo } = await import('./commands/undo.ts');
    return undo(readUndoOptions(flags), context);
  },
  remove: async (flags, context) => {
    const { ownFlags, readJobOptions } = await import('./job-flags.ts');
    const { readRemoveOptions } = await import('./job-options.ts');
    const { remove } = await import('./commands/remove.ts');
    const own = readRemoveOptions(ownFlags(flags));
    return remove(own, await readJobOptions(flags, surroundings(context)), context);
  },
  verify: async (flags, context) => {
    const { readVerifyOptions } = await import('./proof-options.ts');
    const { verify } = await import('./commands/verify.ts');
    return verify(readVerifyOptions(flags), context);
  },
  manifest: async (flags, context) => {
    const { ownFlags, readJobOptions } = await import('./job-flags.ts');
    const { readManifestOptions } = await import('./proof-options.ts');
    const { manifest } = await import('./commands/manifest.ts');
    const own = readManifestOptions(ownFlags(flags));
    return manifest(own, await readJobOptions(flags, surroundings(context)), context);
  },
  compare: async (flags, context) => {
    const { readCompareOptions } = await import('./proof-options.ts');
    const options = readCompareOptions(flags);
    if ('save' in options) {
      const { saveListOf } = await import('./commands/save-list.ts');
      return saveListOf(options, context);
    }
    const { compare } = await import('./commands/compare.ts');
    return compare(options, context);
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
