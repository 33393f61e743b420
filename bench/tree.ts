import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';

/** A directory and its files count so many entries. */
const entriesPerDirectory = 1000;
const content = Buffer.alloc(100, 'x');

/** Makes a tree of exactly so many entries, itself included: directories of small files, nine of ten empty. */
export function makeTree(path: string, entries: number): void {
  mkdirSync(path);
  for (let made = 1, number = 0; made < entries; number++) {
    const wanted = Math.min(entriesPerDirectory, entries - made);
    makeDirectory(`${path}/directory-${pad(number, 4)}`, wanted - 1);
    made += wanted;
  }
}

function makeDirectory(path: string, files: number): void {
  mkdirSync(path);
  for (let number = 0; number < files; number++) {
    const file = openSync(`${path}/result-${pad(number, 6)}.dat`, 'wx');
    if (number % 10 === 0) writeSync(file, content, 0, number % 100);
    closeSync(file);
  }
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
