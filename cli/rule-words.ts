import type { Flags } from './command-line.ts';

const ruleNames = ['exclude', 'include', 'exclude-from'];

/** With `rules` in place of the lists of patterns: which of them comes first matters, and is only seen in the words. */
export function withRules(flags: Flags, words: readonly string[]): Flags {
  const lists = new Map(ruleNames.map((name) => [name, [...((flags[name] as string[] | undefined) ?? [])]]));
  const rules = words.flatMap((word) => {
    const name = /^--([^=]+)/.exec(word)?.[1] ?? '';
    const value = lists.get(name)?.shift();
    return value === undefined ? [] : [[name, value]];
  });
  if (rules.length === 0) return flags;
  return { ...Object.fromEntries(Object.entries(flags).filter(([name]) => !lists.has(name))), rules };
}

/** yargs takes `-`, which is standard input, for a word of its own. */
export function joinDashes(words: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    if (word === '-' && takesFile(words[at - 1])) return [];
    return words[at + 1] === '-' && takesFile(word) ? [`${word}=-`] : [word];
  });
}

function takesFile(word: string | undefined): boolean {
  return word === '--files-from' || word === '--exclude-from';
}
