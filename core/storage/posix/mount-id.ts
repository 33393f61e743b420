import { readFileSync } from 'node:fs';

/**
 * The mount through which a descriptor was opened, as /proc/PID/fdinfo has it (proc_pid_fdinfo(5)): the number that statx(2)
 * gives as stx_mnt_id since Linux 5.8. Undefined without /proc.
 */
export function mountIdOf(fd: number): bigint | undefined {
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return id === undefined ? undefined : BigInt(id);
  } catch {
    return undefined;
  }
}
