/** Options of sbatch that bcopy sets itself, or that would keep the job from being one it can follow. */
const bcopyOwned: readonly { readonly long: string; readonly short?: string }[] = [
  { long: 'array', short: 'a' },
  { long: 'output', short: 'o' },
  { long: 'error', short: 'e' },
  { long: 'chdir', short: 'D' },
  { long: 'job-name', short: 'J' },
  { long: 'dependency', short: 'd' },
  { long: 'kill-on-invalid-dep' },
  { long: 'wait', short: 'W' },
  { long: 'parsable' },
  { long: 'export' },
  { long: 'open-mode' },
  { long: 'wrap' },
  { long: 'test-only' },
  { long: 'clusters', short: 'M' },
  { long: 'help', short: 'h' },
  { long: 'usage' },
  { long: 'version', short: 'V' },
  { long: 'export-file' },
  { long: 'ignore-pbs' },
  { long: 'input', short: 'i' },
  { long: 'quiet', short: 'Q' },
];

/**
 * Why the user's own argument cannot be passed on to sbatch, or undefined when it can: one that bcopy owns, in any
 * spelling that sbatch takes, or one that is no option and would stand for the script. sbatch judges the rest.
 */
export function whyNotForSbatch(argument: string): string | undefined {
  if (!/^-(-\w|\w)/.test(argument)) return 'it must be one option, as --exclude=n1 or -xn1';
  const owned = bcopyOwned.find((option) => names(argument, option));
  return owned === undefined ? undefined : `bcopy gives --${owned.long} itself`;
}

function names(argument: string, option: { long: string; short?: string }): boolean {
  if (argument.startsWith('--')) {
    const name = argument.slice(2).split('=', 1)[0] ?? '';
    // getopt_long takes any unambiguous beginning of a name.
    return option.long.startsWith(name);
  }
  // The letters before the first one with a value may be flags: -Hofile is -H -o file.
  const letter = argument.slice(1).replace(/^[HOskv]+/, '')[0];
  return letter !== undefined && letter === option.short;
}
