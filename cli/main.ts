#!/usr/bin/env -S UV_THREADPOOL_SIZE=32 node
import { readFileSync } from 'node:fs';
import { BcopyError, exitCodes } from '../core/model/errors.ts';
import { readRawArguments } from './argv.ts';
import type { CommandLine } from './command-line.ts';
import type { CommandContext } from './commands/context.ts';
import type { CommandName } from './option-table.ts';
import type { Surroundings } from './options.ts';
import { exitCodeOf, formatError } from './output/errors.ts';
import { packagePaths } from './steps/package-paths.ts';

// The pool, in which a scan waits for a slow file system, has its size by now; programs that are started are not to have it
delete process.env.UV_THREADPOOL_SIZE;

const { version, workerBundle } = packagePaths();
const interruption = new AbortController();
const { stdin, stdout, stderr, env: environment } = process;
const world = { stdin, stdout, stderr, environment, signal: interruption.signal, version, now: Date.now };
/** What to exit with when nobody reads the answers any more; undefined once a command runs that is to be done all the same. */
let withoutReader: number | undefined = exitCodes.done;

process.once('SIGINT', () => interruption.abort(new BcopyError('interrupted', 'interrupted')));
process.on('uncaughtException', (error) => process.exit(report(error)));
stdout.on('error', noReader);
stderr.on('error', noReader);
process.exitCode = await main().catch(report);

async function main(): Promise<number> {
  refuseMissingDirectory();
  const words = readRawArguments(process.argv, readOwnCommandLine());
  const { parseCommandLine } = await import('./command-line.ts');
  const line = await parseCommandLine(words, version);
  if (line.kind === 'command') return run(line, { ...world, words });
  stdout.write(line.text);
  return 0;
}

/** Each command is loaded when it is asked for, so that help and version are quick. */
async function run(line: CommandLine & { kind: 'command' }, context: CommandContext): Promise<number> {
  const { command, flags } = line;
  withoutReader = exitWithoutReader(command);
  if (command === 'copy') {
    const [{ copy }, { readCopyOptions }] = await Promise.all([
      import('./commands/copy.ts'),
      import('./options.ts'),
    ]);
    return copy(await readCopyOptions(flags, surroundings(context)), context);
  }
  if (command === 'verify') {
    const [{ verify }, proof] = await Promise.all([
      import('./commands/verify.ts'),
      import('./proof-options.ts'),
    ]);
    return verify(proof.readVerifyOptions(flags), context);
  }
  if (command === 'compare') {
    const [{ compare }, proof] = await Promise.all([
      import('./commands/compare.ts'),
      import('./proof-options.ts'),
    ]);
    const options = proof.readCompareOptions(flags);
    if ('save' in options) return (await import('./commands/save-list.ts')).saveListOf(options, context);
    return compare(options, context);
  }
  if (command === 'manifest') {
    const [{ manifest }, proof, jobs] = await Promise.all([
      import('./commands/manifest.ts'),
      import('./proof-options.ts'),
      import('./job-flags.ts'),
    ]);
    const options = proof.readManifestOptions(jobs.ownFlags(flags));
    return manifest(options, await jobs.readJobOptions(flags, surroundings(context)), context);
  }
  const read = await import('./job-options.ts');
  if (command === 'status')
    return (await import('./commands/status.ts')).status(read.readStatusOptions(flags), context);
  if (command === 'logs')
    return (await import('./commands/logs.ts')).logs(read.readLogsOptions(flags), context);
  if (command === 'clean')
    return (await import('./commands/clean.ts')).clean(read.readCleanOptions(flags), context);
  if (command === 'undo')
    return (await import('./commands/undo.ts')).undo(read.readUndoOptions(flags), context);
  if (command === 'remove') {
    const [{ remove }, jobs] = await Promise.all([import('./commands/remove.ts'), import('./job-flags.ts')]);
    const options = read.readRemoveOptions(jobs.ownFlags(flags));
    return remove(options, await jobs.readJobOptions(flags, surroundings(context)), context);
  }
  return (await import('./commands/cancel.ts')).cancel(read.readCancelOptions(flags), context);
}

function surroundings({ environment }: CommandContext): Surroundings {
  return { environment, node: process.execPath, workerBundle };
}

function refuseMissingDirectory(): void {
  try {
    process.cwd();
  } catch {
    throw new BcopyError('usage', 'cannot work here: the current directory is not there any more');
  }
}

function readOwnCommandLine(): Uint8Array {
  try {
    return readFileSync('/proc/self/cmdline');
  } catch {
    return new Uint8Array();
  }
}

/** Whatever fails because the user interrupted is an interruption. */
function report(error: unknown): number {
  const { aborted, reason } = interruption.signal;
  const cause = aborted && !(error instanceof BcopyError) ? reason : error;
  stderr.write(formatError(cause, version));
  return exitCodeOf(cause);
}

function noReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  if (withoutReader !== undefined) process.exit(withoutReader);
}

/** What compares must not end like one that has found nothing. */
function exitWithoutReader(command: CommandName): number | undefined {
  if (command === 'status' || command === 'logs') return exitCodes.done;
  if (command === 'verify' || command === 'compare') return exitCodes.differences;
  return command === 'manifest' ? exitCodes.interrupted : undefined;
}
