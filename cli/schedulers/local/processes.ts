import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** One process and no other: process ids are used again, but not with the same start time on the same boot. */
export type ProcessIdentity = { readonly pid: number; readonly startTicks: string };

/** The machine and its boot; elsewhere, or after a reboot, process ids say nothing. */
export type Machine = { readonly host: string; readonly boot: string };

export function thisMachine(): Machine {
  return { host: hostname(), boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
}

/** Undefined when there is no such process any more. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTicks: stat.startTicks };
}

/** False also for a zombie, which does nothing any more but waits for its parent. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && isWorking(stat) && stat.startTicks === startTicks;
}

/**
 * The living processes of the session that a task leads; a task's children outlive it when it is killed.
 * Empty when the leader's number belongs to another process by now.
 */
export function sessionOf(leader: ProcessIdentity): number[] {
  const current = readStat(leader.pid);
  if (current && current.startTicks !== leader.startTicks) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && stat.session === leader.pid && isWorking(stat);
  });
}

/** Passes over processes that are gone. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Ends a whole session, children of the leader included; the leader may be dead already. */
export function signalSession(leader: ProcessIdentity, name: NodeJS.Signals): void {
  signal(sessionOf(leader), name);
}

type Stat = { readonly state: string; readonly session: number; readonly startTicks: string };

function isWorking(stat: Stat): boolean {
  return stat.state !== 'Z' && stat.state !== 'X';
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, in parentheses, is the program's name and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', , , session] = fields;
    return { state, session: Number(session), startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
