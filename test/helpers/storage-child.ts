import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import type { ChildWork } from './storage-as-user.ts';

/** Opens two trees, makes the calls it was given and writes down what they returned. */
const { request, calls } = deserialize(readFileSync(0)) as ChildWork;
const storage = new PosixStorage(request);
const results = calls.map(([name, ...args]) => (storage[name] as (...args: unknown[]) => unknown)(...args));
storage.close();
writeFileSync(3, serialize(results));
