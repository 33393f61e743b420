import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';

/** Follows the processes of one run, however detached they are, and adds up what they use. */
export interface Account {
  /** Where a process writes its number to join; undefined when it is followed by its parents. */
  readonly joinFile: string | undefined;
  readonly sampleMs: number;
  /** The first process of the run. */
  begin(pid: number): void;
  /** Looks at the processes that run now. */
  sample(): void;
  processes(): number[];
  cpuSeconds(): number;
  /** Of the largest process. */
  megabytes(): number;
  close(): void;
}

export type AccountKind = { readonly how: string; readonly open: () => Account };

type Hierarchy = {
  readonly how: string;
  readonly path: string;
  readonly cpuSeconds: (group: string) => number;
};

/** A control group counts every process to the nanosecond; where none can be made, /proc is sampled. */
export function findAccounting(): AccountKind {
  for (const hierarchy of [accountingV1(), accountingV2()]) {
    if (hierarchy !== undefined && canMakeGroup(hierarchy))
      return { how: hierarchy.how, open: () => new GroupAccount(hierarchy) };
  }
  return { how: 'samples of /proc (no control group can be made here)', open: () => new SampledAccount() };
}

function accountingV1(): Hierarchy | undefined {
  const cpuSeconds = (group: string) => Number(readFileSync(`${group}/cpuacct.usage`, 'utf8')) / 1e9;
  const mount = mountOf('cgroup', 'cpuacct');
  const own = ownGroup((controllers) => controllers.split(',').includes('cpuacct'));
  return mount === undefined
    ? undefined
    : { how: 'a control group (v1, cpuacct)', path: mount + own, cpuSeconds };
}

function accountingV2(): Hierarchy | undefined {
  const cpuSeconds = (group: string) => {
    const [, microseconds] = /^usage_usec (\d+)$/m.exec(readFileSync(`${group}/cpu.stat`, 'utf8'))!;
    return Number(microseconds) / 1e6;
  };
  const mount = mountOf('cgroup2', '');
  const own = ownGroup((names) => names === '');
  return mount === undefined ? undefined : { how: 'a control group (v2)', path: mount + own, cpuSeconds };
}

function mountOf(type: string, option: string): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const fields = mounts.map((line) => line.split(' '));
  return fields.find(([, , kind, options]) => kind === type && hasOption(options!, option))?.[1];
}

function hasOption(options: string, option: string): boolean {
  return option === '' || options.split(',').includes(option);
}

function ownGroup(isOurs: (controllers: string) => boolean): string {
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (isOurs(controllers!)) return path.join(':').replace(/\/$/, '');
  }
  return '';
}

function canMakeGroup(hierarchy: Hierarchy): boolean {
  const group = `${hierarchy.path}/bcopy-bench-${process.pid}`;
  try {
    mkdirSync(group);
  } catch {
    return false;
  }
  try {
    return Number.isFinite(hierarchy.cpuSeconds(group));
  } catch {
    return false;
  } finally {
    rmdirSync(group);
  }
}

let groups = 0;

class GroupAccount implements Account {
  readonly joinFile: string;
  readonly sampleMs = 50;
  readonly #hierarchy: Hierarchy;
  readonly #path: string;
  #kibibytes = 0;

  constructor(hierarchy: Hierarchy) {
    this.#hierarchy = hierarchy;
    this.#path = `${hierarchy.path}/bcopy-bench-${process.pid}-${groups++}`;
    mkdirSync(this.#path);
    this.joinFile = `${this.#path}/cgroup.procs`;
  }

  begin(): void {}

  sample(): void {
    for (const pid of this.processes()) this.#kibibytes = Math.max(this.#kibibytes, peakOf(pid));
  }

  processes(): number[] {
    return readFileSync(this.joinFile, 'utf8').split('\n').filter(Boolean).map(Number);
  }

  cpuSeconds(): number {
    return this.#hierarchy.cpuSeconds(this.#path);
  }

  megabytes(): number {
    return (this.#kibibytes * 1024) / 1e6;
  }

  /** A group can be in use for a moment after its last process. Waits for that, since nothing else may be left to do so. */
  close(): void {
    for (let tries = 1; !isRemoved(this.#path) && tries < 100; tries++) Atomics.wait(pause, 0, 0, 20);
  }
}

function isRemoved(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

type Seen = { startedAt: string; ticks: number; isAlive: boolean };

/** Knows a process by its parent, and what it has used by the last look at it. */
class SampledAccount implements Account {
  readonly joinFile = undefined;
  readonly sampleMs = 20;
  readonly #seen = new Map<number, Seen>();
  #kibibytes = 0;

  begin(pid: number): void {
    this.#seen.set(pid, { startedAt: statOf(pid)?.startedAt ?? '', ticks: 0, isAlive: true });
  }

  sample(): void {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    for (const pid of pids.map(Number).sort((a, b) => a - b)) this.#look(pid);
    for (const [pid, seen] of this.#seen) {
      if (statOf(pid)?.startedAt !== seen.startedAt) seen.isAlive = false;
    }
  }

  #look(pid: number): void {
    const stat = statOf(pid);
    if (stat === undefined) return;
    // Numbers of processes come back
    const isKnown = this.#seen.get(pid)?.startedAt === stat.startedAt;
    if (!isKnown && !this.#seen.get(stat.parent)?.isAlive) return;
    this.#seen.set(pid, stat);
    this.#kibibytes = Math.max(this.#kibibytes, peakOf(pid));
  }

  processes(): number[] {
    this.sample();
    return [...this.#seen].filter(([, { isAlive }]) => isAlive).map(([pid]) => pid);
  }

  cpuSeconds(): number {
    let ticks = 0;
    for (const seen of this.#seen.values()) ticks += seen.ticks;
    return ticks / 100;
  }

  megabytes(): number {
    return (this.#kibibytes * 1024) / 1e6;
  }

  close(): void {}
}

type Stat = Seen & { readonly parent: number };

/** The second field can hold anything, so the others are counted from its end (proc(5)). */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { parent: Number(fields[1]), ticks, startedAt: fields[19]!, isAlive: fields[0] !== 'Z' };
  } catch {
    return undefined;
  }
}

/** The kernel keeps the peak itself, so that a seldom look misses little. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
