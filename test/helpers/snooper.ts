import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';

/** Opens all that it can below a directory, again and again until a file `stop` is there, and writes down what it could. */
const { top, stop } = deserialize(readFileSync(0)) as Snoop;
export type Snoop = { readonly top: string; readonly stop: string };

const opened = new Set<string>();

function look(path: string): void {
  let names: string[];
  try {
    names = readdirSync(path);
    if (path !== top) opened.add(path);
  } catch {
    return;
  }
  for (const name of names) lookAt(`${path}/${name}`);
}

function lookAt(path: string): void {
  try {
    if (statSync(path).isDirectory()) {
      look(path);
      return;
    }
    closeSync(openSync(path, 'r'));
    opened.add(path);
  } catch {
    // As it should be
  }
}

writeFileSync(`${stop}.ready`, '');
while (!existsSync(stop)) look(top);
writeFileSync(3, serialize([...opened]));
