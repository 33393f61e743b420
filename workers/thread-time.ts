import { readdirSync, readFileSync } from 'node:fs';

const tasks = '/proc/self/task';

/**
 * How long the threads of this process have run or waited for a CPU, in ms: the rest they waited for something else.
 * Where the kernel does not tell (no schedstat), it is the CPU time. A thread that has ended counts no more.
 */
export function busyMs(): number {
  try {
    const times = readdirSync(tasks).map((id) =>
      readFileSync(`${tasks}/${id}/schedstat`, 'latin1').split(' '),
    );
    return times.reduce((sum, [running, queued]) => sum + Number(running) + Number(queued), 0) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}
