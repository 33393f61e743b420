import type { InodeOfMany, LinkedPair } from './compare-jobs.ts';
import { HardLinkTable } from './hard-link-table.ts';

/** Which names of two trees are names of the same files; only names that both trees have are asked for, in one order. */
export class LinkGroups {
  readonly #source = new HardLinkTable();
  readonly #destination = new HardLinkTable();

  /** What a name is in each tree: `ordinal` itself where it is the first of its file. */
  firstOf({ source, destination }: LinkedPair, ordinal: number): { source: number; destination: number } {
    return {
      source: firstIn(this.#source, source, ordinal),
      destination: firstIn(this.#destination, destination, ordinal),
    };
  }
}

function firstIn(table: HardLinkTable, { device, low, high, names }: InodeOfMany, ordinal: number): number {
  return names > 1 ? (table.firstOf(device, low, high, ordinal, names) ?? ordinal) : ordinal;
}
