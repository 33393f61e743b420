import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the watcher has seen so far; `torn` names each file that was not whole, and how. */
export type Sightings = {
  readonly rounds: number;
  /** Files found under their final names. */
  readonly found: number;
  readonly torn: readonly string[];
};

/**
 * Goes round and round over a destination and looks at each file under its final name: it must be byte for byte the
 * source's, or the one that was there before. `node watcher SOURCE BEFORE DESTINATION`; the three stand still but for
 * the destination. Each line on standard input is a word (`stop` or `go`); it is answered with the sightings, as JSON.
 */
class Watcher {
  readonly #destination: string;
  readonly #now: Map<string, Buffer>;
  readonly #before: Map<string, Buffer>;
  readonly #torn = new Set<string>();
  #rounds = 0;
  #found = 0;

  constructor(source: string, before: string, destination: string) {
    this.#destination = destination;
    this.#now = contentsOf(source);
    this.#before = contentsOf(before);
  }

  get sightings(): Sightings {
    return { rounds: this.#rounds, found: this.#found, torn: [...this.#torn] };
  }

  goRound(): void {
    for (const [name, now] of this.#now) this.#look(name, now);
    for (const name of filesBelow(this.#destination))
      if (!this.#now.has(name) && !/(^|\/)\.bcopy\.[^/]*$/.test(name)) this.#torn.add(`${name}: unknown`);
    this.#rounds++;
  }

  #look(name: string, now: Buffer): void {
    const before = this.#before.get(name);
    const seen = readIfThere(`${this.#destination}/${name}`);
    if (seen === undefined) {
      if (before !== undefined) this.#torn.add(`${name}: gone`);
      return;
    }
    this.#found++;
    if (!now.equals(seen) && before?.equals(seen) !== true)
      this.#torn.add(`${name}: ${seen.length} bytes of neither version`);
  }
}

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(directory.length + 1));
}

function contentsOf(directory: string): Map<string, Buffer> {
  return new Map(filesBelow(directory).map((name) => [name, readFileSync(`${directory}/${name}`)]));
}

const block = Buffer.alloc(32 * 2 ** 20);

/** What the file holds, as far as the block goes. */
function readIfThere(path: string): Buffer | undefined {
  try {
    const descriptor = openSync(path, 'r');
    let length = 0;
    for (let got = 1; got > 0; length += got)
      got = readSync(descriptor, block, length, block.length - length, null);
    closeSync(descriptor);
    return block.subarray(0, length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const watcher = new Watcher(process.argv[2]!, process.argv[3]!, process.argv[4]!);
let isGoing = false;
createInterface({ input: process.stdin })
  .on('line', (word) => {
    isGoing = word === 'go';
    writeSync(1, `${JSON.stringify(watcher.sightings)}\n`);
  })
  .on('close', () => process.exit());
for (;;) {
  if (isGoing) watcher.goRound();
  await new Promise((resolve) => setTimeout(resolve, isGoing ? 0 : 5));
}
