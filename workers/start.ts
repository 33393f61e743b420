import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import { launch } from '../launch/launch.ts';

// Groups and answers are garbage soon: the space for new objects, of which V8 would make more and more, stays as it is.
// Before all else: V8 takes no code that it made with other flags
if (isMainThread) setFlagsFromString('--semi-space-growth-factor=1');
launch(`${__dirname}/main.packed`, exports, require, module, __filename, __dirname);
