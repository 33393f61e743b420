import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { announcedJob, type StatusFacts, waitForStatus } from './run-files.ts';
import type { World } from './world.ts';

/** Submits with a worker program that waits until it is let go. */
export async function begunAndHeld(world: World, cwd: string, ...args: string[]): Promise<string> {
  const worker = join(cwd, 'held.mjs');
  const real = `${inject('installed')}/dist/js/workers/main.js`;
  writeFileSync(
    worker,
    `import { existsSync } from 'node:fs';
while (!existsSync(${JSON.stringify(join(cwd, 'go'))})) await new Promise((r) => setTimeout(r, 20));
process.argv[1] = ${JSON.stringify(real)};
await import(${JSON.stringify(real)});
`,
  );
  chmodSync(worker, 0o755);
  const ran = await world.bcopy(cwd, ...args, '--worker', worker);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  return announcedJob(ran.stdout);
}

/** Its job goes on, to its end. */
export async function letGo(world: World, cwd: string, job: string): Promise<StatusFacts> {
  writeFileSync(join(cwd, 'go'), '');
  const over = ['complete', 'incomplete'];
  return waitForStatus(
    world,
    cwd,
    job,
    ({ phase }) => over.includes(phase) && existsSync(join(cwd, `${job}.err`)),
  );
}
