// SLURM's commands for tests: `fake-slurm.mjs COMMAND ARGUMENTS`. All state is in the directory $FAKE_SLURM.
import { readFileSync, writeFileSync } from 'node:fs';
import { runJob, stopEverything } from './run-job.mjs';
import { sacct } from './sacct.mjs';
import { sbatch } from './sbatch.mjs';
import { scancel } from './scancel.mjs';
import { scontrol } from './scontrol.mjs';
import { sinfo } from './sinfo.mjs';
import { squeue } from './squeue.mjs';
import { prepare } from './state.mjs';

const commands = { sbatch, squeue, sacct, scancel, scontrol, sinfo, stop: stopEverything, 'run-job': runJob };

// Arguments byte for byte (a character is a byte): Node would replace those that are not valid UTF-8
const [name, ...args] = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(2, -1);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!command || !process.env.FAKE_SLURM) {
  process.stderr.write(
    command ? 'fake-slurm: FAKE_SLURM is not set\n' : `fake-slurm: no command '${name}'\n`,
  );
  process.exit(99);
}
prepare();
const print = (descriptor, text) => text && writeFileSync(descriptor, Buffer.from(text, 'latin1'));
const answer = await command(args);
print(1, answer.stdout);
print(2, answer.stderr);
process.exitCode = answer.exitCode;
