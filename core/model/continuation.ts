import { meaningOf } from './advice.ts';
import { classOf } from './errno.ts';

/** A shard with work left after an attempt, and how its task ended. */
export type LeftShard = {
  /** As people know it: `123_4`. */
  readonly task: string;
  readonly node: string;
  /** The last word of its journal; `killed` without one, `not started` without a journal. */
  readonly end: string;
  /** The scheduler's own word for how it ended; empty when it does not know. */
  readonly state: string;
};

export type AttemptFacts = {
  /** How many attempts the user's command has led to, this one included. */
  readonly attempts: number;
  readonly attemptsAtMost: number;
  /** True when its workers have recorded something new. */
  readonly hasProgressed: boolean;
  readonly left: readonly LeftShard[];
  /** Why entries failed, each cause once. */
  readonly causes: readonly string[];
  /** Of each task; undefined when it is not known. */
  readonly memoryMB: number | undefined;
};

export type Continuation =
  | {
      readonly kind: 'again';
      /** What each task is to get now; undefined: as before. */
      readonly memoryMB: number | undefined;
      /** On which tasks were lost or could not begin. */
      readonly excludeNodes: readonly string[];
    }
  | { readonly kind: 'ends'; readonly why: string };

/** A person, or a rule of the site, wanted them to end. */
const unwanted = ['CANCELLED', 'DEADLINE', 'REVOKED'];
const nodeLosses = ['NODE_FAIL', 'BOOT_FAIL'];
/** Besides those that are tried again at once: the source may be left alone, or be mounted on another node. */
const passingCauses = ['CHANGED', 'SOURCE_ROOT'];

/**
 * Whether another attempt should follow one that left something: only when nobody has stopped this one, when what is
 * left may go well the next time, and when the next is not the same as one that came to nothing.
 */
export function decideContinuation(facts: AttemptFacts): Continuation {
  const why = reasonToStop(facts);
  if (why !== undefined) return { kind: 'ends', why };
  const { left, memoryMB } = facts;
  const excludeNodes = left.filter(isNodesFault).map(({ node }) => node);
  const memory = left.some(ranOutOfMemory) && memoryMB !== undefined ? memoryMB * 2 : undefined;
  return { kind: 'again', memoryMB: memory, excludeNodes: [...new Set(excludeNodes)].filter(Boolean) };
}

function reasonToStop(facts: AttemptFacts): string | undefined {
  const { left, causes } = facts;
  const ended = left.find(({ state }) => unwanted.includes(wordOf(state)));
  if (ended !== undefined) return `task ${ended.task} was cancelled`;
  const lost = left.find(({ end, state }) => end === 'not started' && state === '');
  if (lost !== undefined) return `task ${lost.task} never started, and the scheduler does not say why`;
  const wall = causes.find((cause) => classOf(cause) === 'hopeless');
  if (wall !== undefined) return meaningOf(wall);
  if (left.some(({ end }) => end === 'hopeless')) return 'nothing more can be written to the destination';
  if (!left.some(canGoWell) && !causes.some(isPassing)) return sayPermanent(causes);
  if (left.some(ranOutOfMemory) && facts.memoryMB === undefined)
    return 'it ran out of memory, and how much it had is not known: give more with --mem';
  if (!facts.hasProgressed && !left.some((shard) => ranOutOfMemory(shard) || isNodesFault(shard)))
    return 'the last attempt has copied nothing';
  if (facts.attempts >= facts.attemptsAtMost)
    return `${facts.attempts} of ${facts.attemptsAtMost} attempts are made (--max-attempts)`;
  return undefined;
}

/** `failures` alone is what only a person can mend, or is told by the causes. */
function canGoWell({ end }: LeftShard): boolean {
  return end !== 'failures';
}

function isPassing(cause: string): boolean {
  return classOf(cause) === 'transient' || passingCauses.includes(cause);
}

function ranOutOfMemory({ state }: LeftShard): boolean {
  return wordOf(state) === 'OUT_OF_MEMORY';
}

/** Lost with its node, or failed before it could begin: the run directory, node or a tree is not there. */
function isNodesFault({ end, state }: LeftShard): boolean {
  return nodeLosses.includes(wordOf(state)) || (end === 'not started' && wordOf(state) === 'FAILED');
}

function sayPermanent(causes: readonly string[]): string {
  const [first] = causes;
  return first === undefined
    ? 'nothing is left that a task could do'
    : `only a person can mend ${meaningOf(first)}`;
}

/** sacct says `CANCELLED by 1001`. */
function wordOf(state: string): string {
  return state.split(' ', 1)[0]!.replace(/\+$/, '');
}
