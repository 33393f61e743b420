import { createHash } from 'node:crypto';
import { BcopyError } from '../../core/model/errors.ts';
import type { FilterRule, Filters } from '../../core/model/filters.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import { compilePattern } from '../../core/model/pattern.ts';
import { PatternError } from '../../core/model/pattern-error.ts';
import { hasVirtualTop, type SourceRoot } from '../../core/model/source-root.ts';
import type { RecordedFilters } from '../../core/run/run-info.ts';
import { type ListedNames, listNames } from '../../core/storage/posix/listed-names.ts';
import type { CopyOptions } from '../options.ts';
import { type GivenRule, momentOf, sizeOf } from '../selection-rules.ts';
import { type Item, readItems } from './read-items.ts';

/** What of the source is to be copied. */
export type Selection = {
  readonly filters: Filters;
  /** What --files-from lists; undefined when the whole source is meant. */
  readonly listed: ListedNames | undefined;
  /** For the run; undefined when all is to be copied. */
  readonly recorded: RecordedFilters | undefined;
};

/** Reads the files that the options name and understands every pattern; what cannot be used is a `usage` error. */
export async function readSelection(options: CopyOptions, nowMs: number): Promise<Selection> {
  const { rules: given = [], newer, older, minSize, maxSize, filesFrom } = options;
  refuseContradictions(options, nowMs);
  const rules: FilterRule[] = [];
  for (const rule of given) rules.push(...(await readRule(rule)));
  const filters: Filters = {
    ...(rules.length === 0 ? {} : { rules }),
    ...(newer === undefined ? {} : { newerMs: momentOf(newer, nowMs) }),
    ...(older === undefined ? {} : { olderMs: momentOf(older, nowMs) }),
    ...(minSize === undefined ? {} : { minBytes: sizeOf(minSize) }),
    ...(maxSize === undefined ? {} : { maxBytes: sizeOf(maxSize) }),
    ...(options.directoriesOnly ? { directoriesOnly: true } : {}),
    ...(options.oneFileSystem ? { oneFileSystem: true } : {}),
  };
  const paths = filesFrom === undefined ? undefined : await readListed(filesFrom, options.null === true);
  const recorded = record(filters, options, paths);
  const isAll = Object.keys(recorded).length === 0;
  return { filters, listed: paths && listNames(paths), recorded: isAll ? undefined : recorded };
}

/** Whether two runs were to copy the same of their source: an age is the same when it was typed the same. */
export function isSameSelection(a: RecordedFilters | undefined, b: RecordedFilters | undefined): boolean {
  return comparable(a) === comparable(b);
}

/** A list is of what is in one directory. */
export function refuseListOf(roots: readonly SourceRoot[], { filesFrom }: CopyOptions): void {
  if (filesFrom === undefined || !hasVirtualTop(roots)) return;
  const what = roots.length > 1 ? 'several sources' : 'a file as the source';
  throw usage(`cannot use --files-from with ${what}: its paths are relative to one directory`);
}

function comparable(recorded: RecordedFilters = {}): string {
  const { rules, minBytes, maxBytes, directoriesOnly, oneFileSystem, given, listed } = recorded;
  const ages = [given?.newer, given?.older];
  return JSON.stringify([rules, minBytes, maxBytes, directoriesOnly, oneFileSystem, ages, listed]);
}

function record(
  filters: Filters,
  { newer, older }: CopyOptions,
  paths: ReadonlySet<string> | undefined,
): RecordedFilters {
  const { rules, ...rest } = filters;
  const given = { ...(newer === undefined ? {} : { newer }), ...(older === undefined ? {} : { older }) };
  return {
    ...(rules === undefined ? {} : { rules: [...rules] }),
    ...rest,
    ...(Object.keys(given).length === 0 ? {} : { given }),
    ...(paths === undefined ? {} : { listed: { entries: paths.size, digest: digestOf(paths) } }),
  };
}

function digestOf(paths: ReadonlySet<string>): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(JSON.stringify(path));
  return hash.digest('hex');
}

function refuseContradictions(options: CopyOptions, nowMs: number): void {
  const { newer, older, minSize, maxSize, filesFrom } = options;
  if (newer !== undefined && older !== undefined && momentOf(newer, nowMs) >= momentOf(older, nowMs))
    throw usage(`cannot use --newer ${newer} with --older ${older}: nothing is both`);
  if (minSize !== undefined && maxSize !== undefined && sizeOf(minSize) > sizeOf(maxSize))
    throw usage(`cannot use --min-size ${minSize} with --max-size ${maxSize}: no file is both`);
  if (options.delete !== undefined && filesFrom !== undefined)
    throw usage('cannot use --delete with --files-from: what is not in the list is to stay as it is');
  if (options.null === true && filesFrom === undefined)
    throw usage('cannot use --null: there is no --files-from');
}

async function readRule([option, value]: GivenRule): Promise<FilterRule[]> {
  if (option !== 'exclude-from') return [checked({ kind: option, pattern: value }, `--${option}`)];
  const items = await readItems(value, 'line', '--exclude-from');
  return Array.from(items, withoutEnds).flatMap((item) =>
    /^(?:[#;]|$)/.test(item.text) ? [] : [readLine(item)],
  );
}

/** What an editor of Windows adds, which would keep a pattern from fitting anything: a mark at the beginning, CR at each end. */
function withoutEnds({ text, place }: Item, at: number): Item {
  const begun = at === 0 ? text.replace(/^\ufeff/, '') : text;
  return { text: begun.replace(/\r$/, ''), place };
}

/** `- PATTERN`, `+ PATTERN`, or a pattern to exclude. */
function readLine({ text, place }: Item): FilterRule {
  const kind = text.startsWith('+ ') ? 'include' : 'exclude';
  return checked({ kind, pattern: text.replace(/^[-+] /, '') }, place());
}

function checked(rule: FilterRule, place: string): FilterRule {
  try {
    compilePattern(rule.pattern);
    return rule;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new BcopyError('usage', `cannot use ${place} ${quoteName(rule.pattern)}: ${error.message}`, {
      hint: 'docs/filters.md tells what a pattern is',
    });
  }
}

async function readListed(file: string, isNull: boolean): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  for (const item of await readItems(file, isNull ? 'nul' : 'line', '--files-from')) paths.add(pathOf(item));
  return paths;
}

/** What may have to be refused or changed: empty steps, dots, NUL, and what is long. */
const oddPath = /^\.?\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|\/$|\0|[^/]{64}/;

/** Relative to the source, without empty steps and dots at which nothing changes. */
function pathOf({ text, place }: Item): string {
  const refuse = (why: string) => usage(`cannot use ${place()} ${quoteName(text)}: ${why}`);
  if (text.startsWith('/')) throw refuse('it must be relative to the source, and begins with /');
  if (!oddPath.test(text)) return text;
  const steps = text.split('/').filter((step) => step !== '' && step !== '.');
  if (steps.includes('..')) throw refuse('it must stay inside the source, and has a step ..');
  if (text.includes('\0')) throw refuse('no name holds NUL; --null tells that entries end with it');
  if (steps.some((step) => toBytes(step).length > 255)) throw refuse('no name has more than 255 bytes');
  return steps.join('/');
}

function usage(message: string): BcopyError {
  return new BcopyError('usage', message);
}
