import { join } from 'node:path';
import { build } from 'esbuild';

const entry = new URL('../../../../cli/schedulers/local/supervisor.ts', import.meta.url).pathname;

/** Builds the supervisor of local jobs into this directory and returns its path; needs no `make build`. */
export async function buildSupervisor(directory: string): Promise<string> {
  const outfile = join(directory, 'supervisor.mjs');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  return outfile;
}
