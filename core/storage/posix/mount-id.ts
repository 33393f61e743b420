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

/** What a descriptor was opened on: the type of the file system, and the options that are its own, as /proc/PID/mountinfo has them. */
export type Mount = { readonly type: string; readonly options: readonly string[] };

/** Undefined without /proc, and where the mount is gone. */
export function mountOf(fd: number): Mount | undefined {
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
    const line = lines.find((one) => one.startsWith(`${mountIdOf(fd)} `));
    const [, type, options] = / - (\S+) \S* (\S+)$/.exec(line ?? '') ?? [];
    return type === undefined ? undefined : { type, options: options!.split(',') };
  } catch {
    return undefined;
  }
}
