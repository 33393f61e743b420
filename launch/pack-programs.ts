import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { asFunction, pack } from './pack.ts';

// `pack-programs.cjs PROGRAM..`: packs programs, each a module of Node's at PROGRAM.cjs, for `launch`; they have no code yet.

for (const program of process.argv.slice(2)) {
  const text = asFunction(readFileSync(`${program}.cjs`, 'latin1'));
  writeFileSync(`${program}.packed`, pack(text, new Uint8Array()));
  rmSync(`${program}.cjs`);
}
