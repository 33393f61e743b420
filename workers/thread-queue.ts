import type { EngineAnswer, EngineRequest } from './engine.ts';

const MiB = 1024 * 1024;

/** A request and who waits for its answer. */
export type Asked = {
  readonly request: EngineRequest;
  readonly resolve: (answer: EngineAnswer) => void;
  readonly reject: (error: Error) => void;
};

/**
 * Which request a thread should get: one in the directory that it has open, else the first in a directory that no
 * thread works in, since making files in one directory is done one by one; else the first.
 */
export function chooseNext(
  queue: readonly Pick<Asked, 'request'>[],
  place: string | undefined,
  busy: ReadonlySet<string>,
): number {
  const own = place === undefined ? -1 : queue.findIndex((asked) => placesOf(asked)[0] === place);
  if (own >= 0) return own;
  const free = queue.findIndex((asked) => placesOf(asked).every((directory) => !busy.has(directory)));
  return Math.max(0, free);
}

/** The directories of a group's entries; of anything else none is known to matter. */
export function placesOf({ request }: Pick<Asked, 'request'>): string[] {
  return 'group' in request ? request.group.batches.map(({ directory }) => directory) : [];
}

/** Where a thread is when it is done. */
export function placeOf(asked: Pick<Asked, 'request'>): string | undefined {
  return placesOf(asked).at(-1);
}

/** As the plan counts it: what a thing costs, and its bytes. */
export function costOfRequest(request: EngineRequest): number {
  if ('part' in request) return (request.part.to ?? request.part.bytes) - request.part.from;
  if (!('group' in request)) return (entriesOfRequest(request) * MiB) / 2;
  const bytes = request.group.batches.flatMap((batch) => batch.bytes);
  return bytes.reduce((sum, one) => sum + one, (bytes.length * MiB) / 2);
}

export function entriesOfRequest(request: EngineRequest): number {
  if ('part' in request) return 0;
  if ('finish' in request) return request.finish.length;
  const { from, to } = 'look' in request ? request.look : request.group;
  return to - from;
}
