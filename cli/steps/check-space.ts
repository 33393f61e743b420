import { stat, statfs } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName, quoteNames, toBytes } from '../../core/model/names.ts';
import { emptyTally, type Tally } from '../../core/model/outcome.ts';
import type { Totals } from '../../core/model/plan.ts';
import { type Space, sayTooLittle } from '../../core/model/space.ts';
import type { DestinationTree, GivenRoot } from './preflight.ts';
import { readQuotas } from './read-quotas.ts';

/** File systems on which a copy within one takes no blocks of its own (statfs(2), linux/magic.h). */
const sharingTypes = new Set([0x9123683e, 0x58465342]);

export type SpaceCheck = {
  readonly sources: readonly GivenRoot[];
  readonly destination: DestinationTree;
  readonly totals: Totals;
  /** The entries that are known to be at the destination already; undefined where nobody has looked. */
  readonly same: Tally | undefined;
  /** Too little room is told, and no reason to stop. */
  readonly force: boolean;
  readonly note: (message: string) => void;
  /** True: copies get the group of their source where this user may give it. */
  readonly keepsOwner: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/**
 * Compares what the plan takes with what the destination's file system and quotas have for this user. Too little ends a copy to a
 * new destination; where something is already it is only told: what is known to be there does not count, other things may be there
 * all the same, and what is replaced gives its room back.
 */
export async function checkSpace(check: SpaceCheck): Promise<void> {
  const { sources, destination, force, note } = check;
  const missing = await whatIsMissing(check);
  if (missing === '') return;
  if (force || !destination.isNew) {
    const unknown = destination.isNew ? '' : '; some of that may be there already';
    note(`${quoteName(destination.given)} may not have room for all: ${missing}${unknown}`);
    return;
  }
  throw new BcopyError(
    'willNotFit',
    `cannot copy ${quoteNames(sources.map(({ given }) => given))} to ${quoteName(destination.given)}: ${missing}`,
    { hint: 'make room or choose another destination; with --force as much is copied as fits' },
  );
}

/** In words; empty when there is enough of all, as far as anybody says. */
async function whatIsMissing({ sources, destination, totals, same, ...check }: SpaceCheck): Promise<string> {
  const needed = neededFor(totals, same);
  if (needed.bytes === 0 && needed.inodes === 0) return '';
  const from = sources.map(({ path }) => Buffer.from(toBytes(path)));
  const to = Buffer.from(toBytes(destination.path));
  const free = await freeAt(to, from);
  const there = destination.exists ? to : parentOf(to);
  const gid = await chargedGroup(from[0]!, there, check.keepsOwner);
  const question = { directory: fromBytes(there), gid, environment: check.environment };
  const said = [
    free === undefined ? undefined : sayTooLittle(needed, free),
    ...(await readQuotas(question)).map(({ whose, room }) => sayTooLittle(needed, room, whose)),
  ];
  return said.filter((text) => text !== undefined).join('; ');
}

function neededFor(
  { bytes, entries, links }: Totals,
  same: Tally = emptyTally(),
): Space & { inodes: number } {
  return { bytes: bytes - same.bytes, inodes: entries - links - same.entries };
}

/** The group of the first source where this user may give it, else the one that a new file gets. */
async function chargedGroup(source: Buffer, place: Buffer, keepsOwner: boolean): Promise<number> {
  const own = process.getegid?.() ?? 0;
  const [from, at] = await Promise.all([source, place].map((path) => stat(path).catch(() => undefined)));
  const mine = [own, ...(process.getgroups?.() ?? [])];
  if (keepsOwner && from !== undefined && mine.includes(from.gid)) return from.gid;
  return at !== undefined && (at.mode & 0o2000) !== 0 ? at.gid : own;
}

/** Undefined where the file system says nothing. Holes and shared blocks of the source cannot be told apart from data. */
async function freeAt(destination: Buffer, sources: readonly Buffer[]): Promise<Space | undefined> {
  const there = (await stat(destination).catch(() => undefined)) ? destination : parentOf(destination);
  try {
    const [system, at] = await Promise.all([statfs(there), stat(there)]);
    const from = await Promise.all(sources.map((source) => stat(source)));
    const mayShare = from.every(({ dev }) => dev === at.dev) && sharingTypes.has(system.type);
    if (system.blocks === 0) return undefined;
    return {
      bytes: mayShare ? Number.POSITIVE_INFINITY : system.bavail * system.bsize,
      inodes: system.files === 0 ? undefined : system.ffree,
    };
  } catch {
    return undefined;
  }
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
}
