import { chmodSync, renameSync, statSync, writeFileSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { pack } from './pack.ts';

// Loaded into a program before it starts, while bcopy is built: at its end it is packed again, with the code of all that it has done.

const setFlags = v8.setFlagsFromString;
const { Script } = vm;

vm.Script = class extends Script {
  constructor(text: string, options: vm.ScriptOptions & { filename: string }) {
    super(text, options);
    vm.Script = Script;
    // Code is taken only with the flags that V8 had when it was made: those that a program sets later stay out of it
    v8.setFlagsFromString = () => undefined;
    // There as long as this process is: who waits for the last looks for it
    const packed = `${options.filename}.${process.pid}`;
    writeFileSync(packed, '', { mode: 0o600 });
    process.on('exit', () => {
      v8.setFlagsFromString = setFlags;
      writeFileSync(packed, pack(text, this.createCachedData()));
      chmodSync(packed, statSync(options.filename).mode);
      renameSync(packed, options.filename);
    });
  }
};
if (!isMainThread) vm.Script = Script;
