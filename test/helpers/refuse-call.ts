import koffi from 'koffi';

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

/** For this thread, and those that it starts from now on, the system call of this number fails so. (seccomp(2)) */
export function refuseCall(number: number, errno: number): void {
  const libc = koffi.load('libc.so.6');
  const prctl = libc.func('int prctl(int, unsigned long, uintptr_t, unsigned long, unsigned long)');
  // Load the number; where it is that one, refuse; else allow
  const filter = Buffer.concat([
    instruction(0x20, 0, 0, 0),
    instruction(0x15, 0, 1, number),
    instruction(0x06, 0, 0, 0x00050000 | errno),
    instruction(0x06, 0, 0, 0x7fff0000),
  ]);
  const program = Buffer.alloc(16);
  program.writeUInt16LE(filter.length / 8, 0);
  program.writeBigUInt64LE(BigInt(Number(koffi.address(filter))), 8);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('no new privileges: refused');
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Number(koffi.address(program)), 0, 0) !== 0)
    throw new Error('a filter of system calls: refused');
}

function instruction(code: number, whereTrue: number, whereFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whereTrue, 2);
  bytes.writeUInt8(whereFalse, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
