import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// `record-programs.cjs BCOPY RECORDER`: has a bcopy that was just built copy something, so that its programs are packed with the code of what
// every copy does. Where that cannot be done they stay as they are, and start more slowly.

const [program = '', recorder = ''] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'bcopy-build-'));
const built = resolve(dirname(program), '..');
void waitForLast().finally(() => rmSync(scratch, { recursive: true, force: true }));

/** The last of the programs may still be at it when the copy is done. */
async function waitForLast(): Promise<void> {
  copyTwice();
  for (const name of readdirSync(built, { recursive: true, encoding: 'utf8' })) {
    const pid = /\.packed\.(\d+)$/.exec(name)?.[1];
    if (pid === undefined) continue;
    while (existsSync(join(built, name)) && existsSync(`/proc/${pid}`)) await sleep(20);
    rmSync(join(built, name), { force: true });
  }
}

function copyTwice(): void {
  const [source, templates, work] = ['source', 'templates', 'work'].map((name) => join(scratch, name));
  for (const made of [source!, templates!, work!]) mkdirSync(made);
  for (let i = 0; i < 20; i++) writeFileSync(join(source!, `file${i}`), 'content');
  writeFileSync(join(scratch, 'config.yaml'), '');
  // Ours take NODE_OPTIONS away
  for (const name of readdirSync('templates')) {
    const text = readFileSync(join('templates', name), 'utf8');
    writeFileSync(join(templates!, name), text.replace(/^unset NODE_OPTIONS /m, 'unset '));
  }
  const words = ['-s', source!, '-d', join(scratch, 'copy'), '--templates', templates!];
  const how = ['--scheduler', 'local', '--workers', '1', '--threads', '1', '--wait'];
  copy(work!, [...words, ...how, '--verify', 'size']);
  copy(work!, [...words, ...how]);
}

function copy(cwd: string, words: readonly string[]): void {
  const kept = Object.entries(process.env).filter(([name]) => !/^(BCOPY|SBATCH|SLURM)_/.test(name));
  const state = { XDG_STATE_HOME: scratch, BCOPY_LOCAL_STATE: join(scratch, 'jobs') };
  const recording = {
    NODE_OPTIONS: `--require=${resolve(recorder)}`,
    BCOPY_CONFIG: join(scratch, 'config.yaml'),
  };
  const env = { ...Object.fromEntries(kept), ...state, ...recording };
  const main = resolve(program);
  const options = { cwd, env, encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stderr } = spawnSync(process.execPath, [main, ...words], options);
  if (status !== 0)
    process.stderr.write(`bcopy is packed without all of its code, and starts more slowly:\n${stderr}`);
}
