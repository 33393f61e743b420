/** What can be said to a command, before anything is validated: options.ts has the types, rules and defaults. */
export type OptionSpec = {
  /** The long option, and the key in a config file; with BCOPY_ before it, the variable. */
  readonly name: string;
  readonly letter?: string;
  /** `optional`: with a value or, when it has none, as `otherwise`. */
  readonly kind: 'switch' | 'value' | 'list' | 'optional';
  readonly otherwise?: string;
  readonly group: string;
  readonly help: string;
  /** The user's own variable for sbatch, which stands below BCOPY_*. */
  readonly sbatchVariable?: string;
  /** Never taken from the environment or a config file. */
  readonly onlyTyped?: true;
};

/** BCOPY_CPUS_PER_TASK for cpus-per-task. */
export function variableOf(name: string): string {
  return `BCOPY_${name.toUpperCase().replaceAll('-', '_')}`;
}
