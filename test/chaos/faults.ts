import { pick, type Stage, sleep, tasksOf, workersOf } from './stage.ts';

/** Does its harm and says in words to whom; undefined when there was nobody. What it broke is whole again afterwards. */
export type Fault = (stage: Stage) => Promise<string | undefined>;

const nodes = ['n1', 'n2', 'n3'];

export const faults = {
  async killWorker({ run, random }) {
    const worker = pick(workersOf(run() ?? ''), random);
    if (worker === undefined) return undefined;
    process.kill(worker.pid, 'SIGKILL');
    return `killed a worker (${worker.work})`;
  },

  /** The workers of the node live on, while SLURM takes them for lost and starts others. */
  async killSlurmd({ world, random }) {
    const node = pick(nodes, random)!;
    await world.cluster!.killSlurmd(node);
    const seconds = 4 + random(14);
    await sleep(seconds * 1000);
    await world.cluster!.startNode(node);
    return `killed the slurmd of ${node} for ${seconds} s`;
  },

  async killNode({ world, random }) {
    const node = pick(nodes, random)!;
    await world.cluster!.killNode(node);
    const seconds = 1 + random(8);
    await sleep(seconds * 1000);
    await world.cluster!.startNode(node);
    return `cut the power of ${node} for ${seconds} s`;
  },

  async scancel({ world, random }) {
    const task = pick(
      (await tasksOf(world)).filter(({ id }) => id.includes('_')),
      random,
    );
    if (task === undefined) return undefined;
    await world.run('/', 'scancel', task.id);
    return `cancelled the task ${task.id} (${task.state})`;
  },

  async restartController({ world, random }) {
    await world.cluster!.stopController();
    const seconds = random(5);
    await sleep(seconds * 1000);
    await world.cluster!.startController();
    return `restarted slurmctld after ${seconds} s`;
  },

  /** SLURM looks at the time every 30 s. */
  async hitWalltime({ world, random }) {
    const running = (await tasksOf(world)).filter(({ state, id }) => state === 'RUNNING' && id.includes('_'));
    const task = pick(running, random);
    if (task === undefined) return undefined;
    const { exitCode } = await world.run('/', 'scontrol', 'update', `jobid=${task.id}`, 'endtime=now+1');
    if (exitCode !== 0) return undefined;
    await sleep(1000);
    return `ended the time of ${task.id}`;
  },

  async fillDisk({ disk, random }) {
    disk.fill();
    const seconds = 1 + random(4);
    await sleep(seconds * 1000);
    disk.free();
    return `filled the destination for ${seconds} s`;
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
