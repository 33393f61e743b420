import type { TaskState } from '../scheduler.ts';
import { isStuck, toPhase, toStateWord } from './phases.ts';

/** The job number from `sbatch --parsable`, which prints `123`, or `123;cluster` when a cluster was named. */
export function parseSubmitted(stdout: string): string | undefined {
  return /^(\d+)(?:;.*)?$/m.exec(stdout)?.[1];
}

/** Job numbers, one a line, each once, in the order they came. */
export function parseLookUp(stdout: string): string[] {
  return [...new Set(lines(stdout).filter((line) => /^\d+$/.test(line)))];
}

/**
 * Lines of `%i|%F|%K|%A|%T|%r|%N`. A task is known by its array (%F) and number (%K): raw ids differ from
 * task to task, and one task has its array's own. What does not look like such a line is passed over.
 */
export function parseSqueue(stdout: string): TaskState[] {
  return lines(stdout).flatMap((line) => {
    const [, job, index, , state, reason, node] = line.split('|');
    if (!job || !/^\d+$/.test(job) || index === undefined || state === undefined) return [];
    return toStates({ job, index, state, reason: reason ?? '', node: node ?? '' });
  });
}

/**
 * Lines of `jobid|state|exitcode`. For some seconds accounting shows an array as one line without a task
 * number; such a line is dropped when the job has others. A state without `task` says nothing about tasks.
 */
export function parseSacct(stdout: string): TaskState[] {
  const states = lines(stdout).flatMap((line) => {
    const [id = '', state] = line.split('|');
    const match = /^(\d+)(?:_(\d+|\[[^\]]*\]?))?$/.exec(id);
    if (!match?.[1] || state === undefined) return [];
    return toStates({ job: match[1], index: match[2] ?? 'N/A', state, reason: '', node: '' });
  });
  const arrays = new Set(states.filter(({ task }) => task !== undefined).map(({ job }) => job));
  return states.filter(({ job, task }) => task !== undefined || !arrays.has(job));
}

/** MaxArraySize; SLURM's own default when the text does not say. */
export function parseScontrolConfig(stdout: string): { maxArraySize: number } {
  const value = /^MaxArraySize\s*=\s*(\d+)/m.exec(stdout)?.[1];
  return { maxArraySize: value === undefined ? 1001 : Number(value) };
}

/** Partition names from `sinfo -h -o %P`; a `*` marks the default, which is empty when none is marked. */
export function parsePartitions(stdout: string): { defaultPartition: string; partitions: string[] } {
  // With several clusters, sinfo puts a `CLUSTER: name` line before each.
  const names = lines(stdout).filter((line) => !/\s/.test(line));
  const marked = names.find((name) => name.endsWith('*')) ?? '';
  return {
    defaultPartition: marked.replace(/\*$/, ''),
    partitions: [...new Set(names.map((name) => name.replace(/\*$/, '')))],
  };
}

type Line = { job: string; index: string; state: string; reason: string; node: string };

function toStates(line: Line): TaskState[] {
  const word = toStateWord(line.state);
  const reason = line.reason === 'None' ? '' : line.reason;
  const state: TaskState = {
    job: line.job,
    phase: toPhase(word),
    state: word,
    reason,
    stuck: isStuck(word, reason),
    node: line.node,
  };
  if (line.index === 'N/A') return [state];
  return parseTasks(line.index).map((task) => ({ ...state, task }));
}

/** `5`, `[3-5,8]`, `[1-9:2%4]`; SLURM cuts long lists, and what was cut is not guessed. */
function parseTasks(text: string): number[] {
  const list = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  return list.split(',').flatMap((piece) => {
    const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(piece);
    if (!match) return [];
    const [first, last, step] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
    const count = step > 0 && last >= first ? Math.floor((last - first) / step) + 1 : 0;
    return Array.from({ length: count }, (_, i) => first + i * step);
  });
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
