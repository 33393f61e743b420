import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareWorker } from './bcopy-worker.ts';
import { bcopyProgram, type Launch, labels, threads, type Where } from './launch.ts';
import { hasProgram } from './measure.ts';

export type Contestant = {
  readonly label: string;
  /** Why it cannot run here. */
  readonly missing: string | undefined;
  /** A failure of bcopy's own is a failure of the benchmark. */
  readonly isOurs?: true;
  /** What it leaves to others, so that its copy is not compared with the source. */
  readonly leavesOut?: string;
  readonly launch: (where: Where) => Launch | Promise<Launch>;
};

/** Everything that is measured, in the order of the table; `scratch` is for the floor's program. */
export function findContestants(scratch: string): Contestant[] {
  return [
    {
      ...contestant(labels.whole, process.execPath, ({ source, destination }) => [
        bcopyProgram,
        ...['-s', source, '-d', destination, '--scheduler', 'local', '--workers', '1'],
        ...['--cpus-per-task', String(threads), '--wait'],
      ]),
      isOurs: true,
    },
    {
      label: labels.worker,
      isOurs: true,
      missing: undefined,
      leavesOut: 'finish sets the times of directories and makes hard links',
      launch: (where) => prepareWorker(labels.worker, where),
    },
    contestant(labels.cp, 'cp', ({ source, destination }) => ['-a', source, destination]),
    contestant(labels.rsync, 'rsync', ({ source, destination }) => ['-a', `${source}/`, `${destination}/`]),
    shell('tar, tar', 'tar', 'mkdir "$1" && tar -C "$0" -cf - . | tar -C "$1" -xf -'),
    shell('fpsync -n 2', 'fpsync', 'mkdir "$1" && exec fpsync -n 2 -t "$2/fpsync" "$0/" "$1/"'),
    contestant('rclone copy', 'rclone', ({ source, destination }) => [
      ...['copy', '--links', source, destination],
    ]),
    ...findFloors(scratch),
  ];
}

function contestant(label: string, program: string, words: (where: Where) => string[]): Contestant {
  return {
    label,
    missing: hasProgram(program) ? undefined : `${program} is missing`,
    launch: (where) => ({ command: { label, program, words: words(where) }, options: where }),
  };
}

/** `$0` is the source, `$1` the destination, `$2` a directory for what the command writes. */
function shell(label: string, program: string, script: string): Contestant {
  const made = contestant(label, '/bin/bash', ({ source, destination, directory }) => [
    ...['-o', 'pipefail', '-c', script, source, destination, directory],
  ]);
  return { ...made, missing: hasProgram(program) ? undefined : `${program} is missing` };
}

/** The calls of the list that README.md has, and the same with the way in which bcopy makes files. */
function findFloors(scratch: string): Contestant[] {
  const program = join(scratch, 'floor');
  const missing = compile(fileURLToPath(new URL('../../../bench/floor.c', import.meta.url)), program);
  const words = ({ source, destination, list }: Where) => [source, destination, list, String(threads)];
  return [
    { ...contestant(labels.floor, program, words), missing },
    { ...contestant(labels.unnamedFloor, program, (where) => [...words(where), 'unnamed']), missing },
  ];
}

function compile(source: string, program: string): string | undefined {
  if (!existsSync(source)) return 'bench/floor.c is not here';
  if (!hasProgram('cc')) return 'cc is missing';
  const { status, stderr } = spawnSync('cc', ['-O2', '-pthread', '-o', program, source]);
  return status === 0 ? undefined : `it does not compile: ${stderr.toString().trim()}`;
}
