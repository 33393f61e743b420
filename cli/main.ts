import { readFileSync } from 'node:fs';
import { BcopyError, exitCodes } from '../core/model/errors.ts';
import { widenPool } from '../core/storage/posix/call-pool.ts';
import { readRawArguments } from './argv.ts';
import type { CommandName } from './option-table.ts';
import { exitCodeOf, formatError } from './output/errors.ts';
import { packagePaths } from './steps/package-paths.ts';

widenPool();
// Node reads these certificates whenever it starts, which doubles the time that it takes; nothing here goes to the net
delete process.env.NODE_EXTRA_CA_CERTS;

const { version } = packagePaths();
const interruption = new AbortController();
const { stdin, stdout, stderr, env: environment } = process;
const world = { stdin, stdout, stderr, environment, signal: interruption.signal, version, now: Date.now };
/** What to exit with when nobody reads the answers any more; undefined once a command runs that is to be done all the same. */
let withoutReader: number | undefined = exitCodes.done;

process.once('SIGINT', () => interruption.abort(new BcopyError('interrupted', 'interrupted')));
process.on('uncaughtException', (error) => process.exit(report(error)));
stdout.on('error', noReader);
stderr.on('error', noReader);
// For an end that nobody has foreseen
process.exitCode = exitCodes.bug;
void main()
  .catch(report)
  .then((code) => {
    process.exitCode = code;
  });

async function main(): Promise<number> {
  refuseMissingDirectory();
  const words = readRawArguments(process.argv, readOwnCommandLine());
  const { parseCommandLine } = await import('./command-line.ts');
  const line = await parseCommandLine(words, version);
  if (line.kind === 'text') {
    stdout.write(line.text);
    return exitCodes.done;
  }
  withoutReader = exitWithoutReader(line.command);
  // Loaded when there is something to do, so that help and version are quick; together, since each file of the program costs calls
  const { runCommand } = await import('./run-command.ts');
  return runCommand(line, { ...world, words });
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
