import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import { scanAlone, scanTogether, type Ways } from './scan-tapes.ts';

export type ScanWork = { readonly source: string; readonly installed: string; readonly ways: Ways };

/** Scans a tree with one thread and with several, and writes down both. */
const { source, installed, ways } = deserialize(readFileSync(0)) as ScanWork;
void scanTogether(source, installed, ways).then((together) => {
  writeFileSync(3, serialize({ alone: scanAlone(source, ways), together }));
});
