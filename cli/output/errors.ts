import { BcopyError, exitCodes } from '../../core/model/errors.ts';

/**
 * What is printed for an error, ending in a newline: `bcopy: <sentence>`, the other program's own words indented,
 * the hint. An error that is no BcopyError was not foreseen: it is shown with its stack and the version.
 */
export function formatError(error: unknown, version: string): string {
  if (!(error instanceof BcopyError)) return formatUnforeseen(error, version);
  const lines = [`bcopy: ${error.message}`];
  if (error.theirWords !== undefined) lines.push(...indent(error.theirWords));
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof BcopyError ? error.exitCode : exitCodes.bug;
}

function formatUnforeseen(error: unknown, version: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter(isFrame) : [];
  const about = `bcopy ${version}, node ${process.version}`;
  const lines = [`bcopy: unforeseen: ${message}`, ...frames, `  ${about}`];
  return `${[...lines, 'hint: this is a bug in bcopy; please report it with the lines above'].join('\n')}\n`;
}

function isFrame(line: string): boolean {
  return /^ +at /.test(line);
}

function indent(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}
