import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { hasPhases } from '../core/model/phase.ts';
import { writeNext } from '../core/run/next-file.ts';
import type { TaskContext } from './task-context.ts';

/**
 * Hands over to the program that submits jobs, which decides whether a next attempt can help; it lies beside this
 * bundle. It stands where the user stood, and what it says goes to the logs of finish. Returns when it has ended.
 */
export async function continueRun({ info, attempt, paths }: TaskContext, bundle: URL): Promise<void> {
  if (attempt.submission === undefined) return;
  if (attempt.maxAttempts === undefined && !hasPhases(attempt)) return;
  const program = fileURLToPath(new URL('../cli/continue.js', bundle));
  if (!(await exists(program))) {
    await writeNext(paths, attempt.attempt, { kind: 'ends', why: `${program} is not there on this node` });
    return;
  }
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [program, info.id, String(attempt.attempt)], {
    cwd: '../..',
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'exit');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
