import { closest } from 'fastest-levenshtein';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml';
import { quoteName } from '../core/model/names.ts';
import { unusableConfig } from './config-flaw.ts';

/** One value that somebody gave to one option; `said` tells where, for the sentence that refuses it. */
export type Setting = {
  readonly name: string;
  readonly value: unknown;
  readonly said: string;
  readonly origin: 'flag' | 'variable' | 'file';
};

export type ConfigRules = {
  /** The keys that a config file may have. */
  readonly keys: readonly string[];
  /** Keys that exist but are given on the command line only. */
  readonly onlyTyped: readonly string[];
};

/** The settings in the text of a config file. */
export function parseConfig(file: string, text: string, rules: ConfigRules): Setting[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [flaw] = [...document.errors, ...document.warnings];
  if (flaw !== undefined) throw unusableConfig(file, flaw.linePos?.[0].line, firstWords(flaw.message));
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isMap(contents)) throw unusableConfig(file, 1, 'it is not a list of lines `key: value`');
  return contents.items.map((pair) => {
    const line = lines.linePos(startOf(pair.key)).line;
    return readPair(file, line, pair as Pair, rules);
  });
}

function readPair(file: string, line: number, { key, value }: Pair, rules: ConfigRules): Setting {
  const name = isScalar(key) ? String(key.value) : '';
  if (rules.onlyTyped.includes(name)) {
    throw unusableConfig(file, line, `${name} is given on the command line only`);
  }
  if (!rules.keys.includes(name)) {
    const shown = quoteName(name);
    throw unusableConfig(
      file,
      line,
      `there is no key ${shown}`,
      `the nearest is ${closest(name, rules.keys)}`,
    );
  }
  const said = `${name} in ${quoteName(file)} line ${line}`;
  return { name, value: plainValue(value), said, origin: 'file' };
}

/** Text as it was written, a list of such texts, true or false; anything else is undefined, which no option takes. */
function plainValue(node: unknown): unknown {
  if (isSeq(node)) return node.items.map(plainValue);
  if (!isScalar(node) || isAlias(node)) return undefined;
  if (typeof node.value === 'number') return node.source ?? String(node.value);
  return node.value ?? undefined;
}

function startOf(node: unknown): number {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
}

function firstWords(message: string): string {
  const line = message.split('\n', 1)[0] ?? message;
  return line.replace(/ at line \d+, column \d+:?$/, '').replace(/^./, (letter) => letter.toLowerCase());
}
