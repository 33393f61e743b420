import { closest, distance } from 'fastest-levenshtein';
import type { Argv } from 'yargs';
import { BcopyError } from '../core/model/errors.ts';
import { quoteName } from '../core/model/names.ts';
import {
  cancelUsage,
  cleanUsage,
  compareUsage,
  copyNotes,
  copyUsage,
  logsUsage,
  manifestUsage,
  removeUsage,
  statusUsage,
  undoUsage,
  verifyUsage,
} from './help-text.ts';
import { type CommandName, optionTables } from './option-table.ts';
import type { OptionSpec } from './option-tables/option-spec.ts';
import { joinDashes, withRules } from './rule-words.ts';

/** What was typed, by long option name, not validated yet; `job` is the job number after the command. */
export type Flags = Readonly<Record<string, string | boolean | readonly (string | readonly string[])[]>>;

export type CommandLine =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'command'; readonly command: CommandName; readonly flags: Flags };

/**
 * Understands the words of a command line. Prints nothing and ends nothing: help and version come back as text, and
 * what cannot be understood is a `usage` error. Every flag in the answer is known, given once and not empty.
 */
export async function parseCommandLine(words: readonly string[], version: string): Promise<CommandLine> {
  const { default: yargs } = await import('yargs');
  let found: Parsed | undefined;
  let [text, failure] = ['', null as Error | null];
  refuseInherited(words);
  const parser = describeCommands(yargs([], '/'), version, (parsed) => {
    found = parsed;
  });
  await parser.parse(
    joinDashes(words).map(guardValue),
    {},
    (error: Error | null | undefined, _: unknown, output: string) => {
      [failure, text] = [error ?? null, output];
    },
  );
  if (failure !== null) throw unreadable((failure as Error).message);
  if (found === undefined) return { kind: 'text', text: tidyHelp(text) };
  refuseUnclearSwitches(words, optionTables[found.command]);
  return { kind: 'command', command: found.command, flags: withRules(readFlags(found), words) };
}

type Parsed = { readonly command: CommandName; readonly argv: Readonly<Record<string, unknown>> };

const helpWidth = 100;

function describeCommands(parser: Argv, version: string, take: (parsed: Parsed) => void): Argv {
  const add = (command: CommandName, words: string, help: string | false, usage: string) =>
    parser.command(
      words,
      help as string,
      (own) => describeOptions(own, optionTables[command]).usage(usage),
      (argv) => take({ command, argv }),
    );
  parser
    .scriptName('bcopy')
    .locale('en')
    .detectLocale(false)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    })
    .exitProcess(false)
    .fail(false)
    .version('version', 'print the version', `bcopy ${version}`)
    .help('help', 'print this text; bcopy status --help and its like print that of a command')
    .alias({ help: 'h', version: 'V' })
    .wrap(helpWidth);
  add('copy', '$0', false, copyUsage).epilogue(copyNotes);
  add(
    'status',
    'status [JOBID]',
    'how far a copy is; without JOBID, the runs made in this directory',
    statusUsage,
  );
  add('logs', 'logs [JOBID]', 'print the log of a copy, or of one shard', logsUsage);
  add('cancel', 'cancel [JOBID]', 'end a copy; --retry goes on with it', cancelUsage);
  add('clean', 'clean [JOBID]', 'remove the runs that are complete, or one that is given up', cleanUsage);
  add('undo', 'undo [JOBID]', 'bring back what --delete has put into the trash', undoUsage);
  add('remove', 'remove [PATH..]', 'remove directories with all that is in them', removeUsage);
  add('verify', 'verify [JOBID]', 'compare two trees, byte by byte', verifyUsage);
  add('manifest', 'manifest [DIR]', 'hash the files of a tree, for sha256sum -c and its like', manifestUsage);
  add(
    'compare',
    'compare [A] [B]',
    'in what two trees differ, also as lists for tar and --files-from',
    compareUsage,
  );
  return parser;
}

function describeOptions(parser: Argv, table: readonly OptionSpec[]): Argv {
  for (const { name, letter, kind, group, help } of table) {
    const type = kind === 'switch' ? 'boolean' : 'string';
    parser.option(name, { type, group, describe: help, ...(letter === undefined ? {} : { alias: letter }) });
  }
  return parser;
}

/** Without the types that yargs appends, its line for a command without a name, and brackets that are not true. */
function tidyHelp(text: string): string {
  const plain = text.replace(/ *\[(string|boolean)\]$/gm, '').replace(/^bcopy\n/, '');
  const named = plain
    .replace(' remove [PATH..]', ' remove PATH... ')
    .replace(/^( +bcopy (?:logs|cancel|undo)) \[JOBID\]/gm, '$1 JOBID  ')
    .replace(/^( +bcopy manifest) \[DIR\]/gm, '$1 DIR  ')
    .replace(/^( +bcopy compare) \[A\] \[B\]/gm, '$1 A B    ');
  return `${named}\n`;
}

function readFlags({ command, argv }: Parsed): Flags {
  const table = optionTables[command];
  const { _: strays = [], $0: program, JOBID: job, PATH: paths, ...others } = argv;
  const { DIR: directory, A: first, B: second, ...given } = others;
  for (const name of Object.keys(given)) refuseUnknown(name, table);
  const flags = table.flatMap((spec) => {
    const value = given[spec.name];
    return value === undefined ? [] : [[spec.name, readValue(spec, value)] as const];
  });
  refuseStrays(command, (strays as unknown[]).map(String));
  if (job !== undefined) flags.push(['job', String(job)]);
  if (paths !== undefined) flags.push(['paths', (paths as unknown[]).map(String)]);
  for (const [name, word] of Object.entries({ directory, first, second }))
    if (word !== undefined) flags.push([name, String(word)]);
  return Object.fromEntries(flags);
}

/**
 * yargs knows no `-sVALUE`, and takes quotes around a value after `=` for the shell's: they may be a name's own, so
 * such a value gets quotes that yargs may have.
 */
function guardValue(word: string): string {
  const [, letter, rest] = /^-([sd])=?(.+)$/s.exec(word) ?? [];
  if (letter !== undefined) return `${letter === 's' ? '--source' : '--destination'}="${rest}"`;
  const [, option, value] = /^(--[^=]+=)(["'].*)$/s.exec(word) ?? [];
  return option === undefined ? word : `${option}"${value}"`;
}

/** yargs takes the properties that every object has for options of its own. */
function refuseInherited(words: readonly string[]): void {
  for (const word of words) {
    const name = /^--?([^=]+)/.exec(word)?.[1];
    if (name !== undefined && name in {}) refuseUnknown(name, optionTables.copy);
  }
}

function refuseUnknown(name: string, table: readonly OptionSpec[]): void {
  const known = [...table.map((spec) => spec.name), 'help', 'version'];
  if (known.includes(name)) return;
  const shown = quoteName(name.length === 1 ? `-${name}` : `--${name}`);
  throw unreadable(`there is no option ${shown}`, nearestOption(name, table, known));
}

function nearestOption(name: string, table: readonly OptionSpec[], known: readonly string[]): string {
  if (name.length === 1) {
    const letters = table.flatMap(({ letter }) => (letter === undefined ? [] : [`-${letter}`]));
    return `the short options are ${[...letters, '-h', '-V'].join(' ')}`;
  }
  const nearest = `the nearest is --${closest(name, known)}`;
  const takesMore = table.some((spec) => spec.kind === 'list');
  return takesMore ? `${nearest}; an option of sbatch is given as --sbatch-arg=--name=value` : nearest;
}

function readValue(spec: OptionSpec, value: unknown): string | boolean | readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  if (spec.kind === 'switch') return values.at(-1) === true;
  if (spec.kind === 'optional')
    for (const [i, one] of values.entries()) values[i] = one === '' ? spec.otherwise : one;
  if (values.includes('')) {
    throw unreadable(
      `--${spec.name} has no value`,
      `a value that begins with - is written --${spec.name}=-value`,
    );
  }
  if (spec.kind === 'list') return values.map(String);
  if (values.length > 1) throw unreadable(`--${spec.name} is given ${values.length} times`, 'give it once');
  return String(values[0]);
}

/** Words that belong to no option; the command's own name is the first of them. */
function refuseStrays(command: CommandName, words: readonly string[]): void {
  const stray = command === 'copy' ? words[0] : words[1];
  if (stray === undefined) return;
  const others = ['status', 'logs', 'cancel', 'clean', 'undo', 'remove', 'verify', 'manifest', 'compare'];
  const meant = closest(stray, others);
  if (command === 'copy' && stray === meant) {
    throw unreadable(`${stray} is not the first word`, `bcopy ${stray}, and then its options`);
  }
  if (command === 'copy' && distance(stray, meant) <= 2) {
    throw unreadable(`there is no command ${quoteName(stray)}`, `the nearest is bcopy ${meant}`);
  }
  const hint =
    command === 'copy'
      ? 'bcopy -s SRC -d DST; each source has its own -s, and a pattern such as * stands for many names'
      : `bcopy ${command} takes one job number`;
  throw unreadable(`${quoteName(stray)} belongs to no option`, hint);
}

/** yargs takes any word after `=` for false. */
function refuseUnclearSwitches(words: readonly string[], table: readonly OptionSpec[]): void {
  for (const { name } of table.filter((spec) => spec.kind === 'switch')) {
    const word = words.find((other) => other.startsWith(`--${name}=`));
    if (word === undefined || /=(true|false)$/.test(word)) continue;
    throw unreadable(`${quoteName(word)} is neither true nor false`, `--${name} or --${name}=false`);
  }
}

function unreadable(why: string, hint = 'bcopy --help lists commands and options'): BcopyError {
  return new BcopyError('usage', `cannot read the command line: ${why}`, { hint });
}
