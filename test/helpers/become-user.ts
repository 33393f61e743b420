// The system calls must be there before the right to read them is given up, and nothing else may be: what comes
// after asks who it is.
import 'koffi';

const uid = Number(process.env.BCOPY_TEST_UID ?? Number.NaN);
if (process.getuid?.() === 0 && uid > 0) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
