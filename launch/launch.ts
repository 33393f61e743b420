import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { unpack } from './pack.ts';

type Program = (...surroundings: readonly unknown[]) => void;

/**
 * Runs a program that was packed with the code that V8 had made of it: compiling is half of the start of a program. Another
 * Node, or one with other flags, takes the text alone, so programs set flags later. `surroundings` are what a module of Node's
 * has: exports, require, module and its names.
 */
export function launch(packed: string, ...surroundings: readonly unknown[]): void {
  const { text, code } = unpack(readFileSync(packed));
  const script = new Script(text, { filename: packed, ...(code.length > 0 ? { cachedData: code } : {}) });
  (script.runInThisContext() as Program)(...surroundings);
}
