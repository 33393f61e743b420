/** What bcopy says to sbatch itself, or what would change the answer that it reads. */
const taken = [
  ['array', 'a'],
  ['chdir', 'D'],
  ['clusters', 'M'],
  ['dependency', 'd'],
  ['error', 'e'],
  ['export', ''],
  ['export-file', ''],
  ['help', 'h'],
  ['ignore-pbs', ''],
  ['input', 'i'],
  ['job-name', 'J'],
  ['open-mode', ''],
  ['output', 'o'],
  ['parsable', ''],
  ['quiet', 'Q'],
  ['test-only', ''],
  ['usage', ''],
  ['version', 'V'],
  ['wait', 'W'],
  ['wrap', ''],
] as const;

/** Why a word cannot be handed to sbatch, or undefined when it can; sbatch itself judges the rest. */
export function whyNotForSbatch(word: string): string | undefined {
  if (!/^(--[a-z]|-[a-zA-Z])/.test(word)) return 'it must be one option, as --exclude=n1 or -xn1';
  const long = /^--([^=]+)/.exec(word)?.[1];
  // sbatch takes any unambiguous beginning of a long option
  const own = taken.find(([name, letter]) =>
    long === undefined ? letter === word[1] : name.startsWith(long),
  );
  return own === undefined ? undefined : `bcopy gives --${own[0]} itself`;
}
