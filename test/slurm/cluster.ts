import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';

/** How a command ended; `exitCode` is -1 when a signal or the time limit ended it. */
export type CommandResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };
export type RunOptions = {
  /** The user of the cluster must be let in there. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
};

/** A real SLURM cluster on this machine: nodes n1, n2, ... of 4 CPUs and 2000 MB, partitions `copy` and `standard`. */
export type Cluster = {
  /** What a SLURM command needs in order to find this cluster, on top of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Who owns the jobs. */
  readonly user: string;
  /** Holds the configuration and `log/`; removed by `stop`. */
  readonly directory: string;
  /** Runs a program as that user; never throws because of how it ends. */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<CommandResult>;
  /** The jobs of the node live on, and SLURM loses sight of them. */
  killSlurmd(node: string): Promise<void>;
  /** Power loss. */
  killNode(node: string): Promise<void>;
  startNode(node: string): Promise<void>;
  stopController(): Promise<void>;
  startController(): Promise<void>;
  /** The controller takes connections and does not answer; what it is asked meanwhile is done afterwards. */
  pauseController(): Promise<void>;
  resumeController(): Promise<void>;
  /** Ends all daemons and jobs. May be called twice. */
  stop(): Promise<void>;
};

const script = fileURLToPath(new URL('cluster.sh', import.meta.url));

/** Programs that a cluster needs and that are not here; empty when `startCluster` can be called. */
export function missingForCluster(): string[] {
  return execaSync(script, ['missing'], { reject: false }).stdout.split('\n').filter(Boolean);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** The first of `count` free ports, below those that the kernel gives to outgoing connections. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 120) * 100;
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(canListen))).every(Boolean)) return first;
  }
  throw new Error('no free ports for a cluster');
}

/** Returns when all nodes are idle. The cluster also ends by itself soon after this process has ended. */
export async function startCluster(nodes: number): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-cluster-'));
  chmodSync(directory, 0o755);
  const settings = {
    TEST_CLUSTER: directory,
    TEST_CLUSTER_PORT: `${await freePorts(nodes + 1)}`,
    TEST_CLUSTER_OWNER: `${process.pid}`,
  };
  const call = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await execa(script, args, { env: settings, reject: false });
    if (exitCode !== 0) throw new Error(`cluster.sh ${args.join(' ')}: ${stderr || `exit ${exitCode}`}`);
    return stdout;
  };
  try {
    await call('up', `${nodes}`);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  const user = /TEST_CLUSTER_USER=(\S+)/.exec(await call('env'))?.[1] ?? '';
  return {
    env: { SLURM_CONF: join(directory, 'etc', 'slurm.conf') },
    user,
    directory,
    run: async (command, { cwd = tmpdir(), env = {}, input = '', timeoutMs = 120_000 } = {}) => {
      const options = { cwd, input, timeout: timeoutMs, env: { ...settings, ...env }, reject: false };
      const { exitCode = -1, stdout, stderr } = await execa(script, ['run', ...command], options);
      return { exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
    },
    killSlurmd: async (node) => void (await call('kill-slurmd', node)),
    killNode: async (node) => void (await call('kill-node', node)),
    startNode: async (node) => void (await call('start-node', node)),
    stopController: async () => void (await call('stop-controller')),
    startController: async () => void (await call('start-controller')),
    pauseController: async () => void (await call('pause-controller')),
    resumeController: async () => void (await call('resume-controller')),
    stop: async () => {
      await call('down');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
