import type { Space } from '../../core/model/space.ts';

/** How much one quota leaves. What a tool did not say, or said in words nobody knows, is missing. */
export type QuotaRoom = { readonly whose: string; readonly room: Space };

/** Of one resource: what is used and the two limits, 0 for none, in the tool's own unit. */
type Usage = { readonly used: number; readonly soft: number; readonly hard: number };

const KiB = 1024;
const wholeNumber = /^\d+$/;

/**
 * `quota -u -g -w -p -f MOUNTPOINT` (quota-tools): under a line for each user and group, a row with blocks of 1 KiB and
 * files. Only those of this user and this group are taken.
 */
export function parseQuota(output: string, uid: number, gid: number): QuotaRoom[] {
  const owners = new Map([
    [`uid ${uid}`, 'your quota'],
    [`gid ${gid}`, "your group's quota"],
  ]);
  const rooms: QuotaRoom[] = [];
  let whose: string | undefined;
  for (const line of output.split('\n')) {
    const [, kind, id] = /^Disk quotas for .*\((uid|gid) (\d+)\):/.exec(line) ?? [];
    if (kind !== undefined) whose = owners.get(`${kind} ${id}`);
    const room = roomInRow(line);
    if (whose !== undefined && room !== undefined) rooms.push({ whose, room });
  }
  return rooms;
}

/** `lfs quota -q -u UID DIRECTORY` and its like (lfs-quota(1)): one row, below its directory when that is long. */
export function parseLfsQuota(output: string, whose: string): QuotaRoom[] {
  const rooms = output
    .split('\n')
    .map(roomInRow)
    .filter((room) => room !== undefined);
  return rooms.length === 1 ? [{ whose, room: rooms[0]! }] : [];
}

/** `lfs project -d DIRECTORY`: its project, when what is made in it gets the same (the flag P). */
export function parseLfsProject(output: string): number | undefined {
  const [, id] = /^\s*(\d+)\s+P\s/.exec(output) ?? [];
  return id === undefined || id === '0' ? undefined : Number(id);
}

/**
 * The last eight words of a row: used, soft and hard limit and grace, of space and then of files. A star marks what is
 * above its soft limit; in brackets stands what is not known exactly, and that is no ground to refuse anything.
 */
function roomInRow(line: string): Space | undefined {
  const words = line.trim().split(/\s+/).slice(-8);
  const numbers = [0, 1, 2, 4, 5, 6].map((i) => words[i]?.replace(/\*$/, '') ?? '');
  if (words.length < 8 || !numbers.every((word) => wholeNumber.test(word))) return undefined;
  const [space, spaceSoft, spaceHard, files, filesSoft, filesHard] = numbers.map(Number) as number[];
  return roomOf(
    { used: space!, soft: spaceSoft!, hard: spaceHard! },
    { used: files!, soft: filesSoft!, hard: filesHard! },
  );
}

/**
 * `mmlsquota -Y -u USER DEVICE` (IBM Storage Scale): rows of words between colons, named by a header, in KiB. With a
 * quota for each fileset there are several, and nobody says which counts here: then nothing is known.
 */
export function parseMmlsquota(output: string, type: 'USR' | 'GRP', whose: string): QuotaRoom[] {
  let names: string[] = [];
  const rooms: (Space | undefined)[] = [];
  for (const line of output.split('\n')) {
    const words = line.split(':');
    if (words[0] !== 'mmlsquota') continue;
    if (words[2] === 'HEADER') names = words;
    const word = (name: string) => words[names.indexOf(name)] ?? '';
    if (words[2] !== 'HEADER' && word('quotaType') === type) rooms.push(roomInWords(word));
  }
  const [room] = rooms;
  return rooms.length === 1 && room !== undefined ? [{ whose, room }] : [];
}

function roomInWords(word: (name: string) => string): Space | undefined {
  const names = ['blockUsage', 'blockQuota', 'blockLimit', 'filesUsage', 'filesQuota', 'filesLimit'];
  const words = names.map(word);
  if (!words.every((text) => wholeNumber.test(text))) return undefined;
  const [used, soft, hard, files, filesSoft, filesHard] = words.map(Number);
  return roomOf(
    { used: used!, soft: soft!, hard: hard! },
    { used: files!, soft: filesSoft!, hard: filesHard! },
  );
}

function roomOf(space: Usage, files: Usage): Space {
  const inodes = left(files);
  return { bytes: left(space) * KiB, inodes: Number.isFinite(inodes) ? inodes : undefined };
}

/** The hard limit is the wall; a soft one where there is no other. */
function left({ used, soft, hard }: Usage): number {
  const wall = hard > 0 ? hard : soft;
  return wall > 0 ? Math.max(0, wall - used) : Number.POSITIVE_INFINITY;
}
