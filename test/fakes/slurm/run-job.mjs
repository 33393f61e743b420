// One process for each job, which ends when the job has ended.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { myself, Runner } from './runner.mjs';
import { hasEnded, home, isAlive, jobPath, kill, okay, sleep, writeWhole } from './state.mjs';

const lifetimeMs = 15 * 60_000;
const stopping = () => `${home()}/stopping`;

/** `run-job ID`: ends with the job, at `stop`, when the directory is gone, or after a quarter of an hour. */
export async function runJob([id]) {
  const runner = new Runner(id);
  const deadline = Date.now() + lifetimeMs;
  try {
    writeWhole(jobPath(id, 'runner'), JSON.stringify(myself()));
    while (Date.now() < deadline && existsSync(jobPath(id)) && !existsSync(stopping())) {
      runner.cancelAsked();
      runner.schedule();
      runner.save();
      if (runner.tasks.every(hasEnded) && runner.strays.size === 0) return okay();
      await sleep(20);
    }
  } catch (error) {
    if (existsSync(jobPath(id))) throw error;
  } finally {
    runner.killAll();
  }
  process.exit(0);
}

/** Ends every runner and every process of a task; nothing of the cluster is alive afterwards. */
export async function stopEverything() {
  writeFileSync(stopping(), '');
  const recorded = (prefix) =>
    readdirSync(`${home()}/jobs`).flatMap((id) =>
      readdirSync(jobPath(id))
        .filter((name) => name.startsWith(prefix))
        .map((name) => JSON.parse(readFileSync(jobPath(id, name), 'utf8')))
        .filter(isAlive),
    );
  for (const end = Date.now() + 3000; Date.now() < end && recorded('runner').length > 0; ) await sleep(20);
  for (const { pid } of recorded('runner')) kill(pid, 'SIGKILL');
  for (const { pid } of recorded('process-')) kill(-pid, 'SIGKILL');
  return okay();
}
