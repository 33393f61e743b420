import type { Readable, Writable } from 'node:stream';

/** What a command may know of the world around it: nothing is taken from `process`. */
export type CommandContext = {
  /** Somebody to be asked, where it is a terminal. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Answers go to stdout; progress and notes to stderr. */
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What was typed after the program's name, for the line that repeats it. */
  readonly words: readonly string[];
  /** Aborted when the user interrupts; its reason is the BcopyError to throw. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Milliseconds since 1970. */
  now(): number;
};
