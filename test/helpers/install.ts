import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The built bcopy, in a directory of its own that every user can read. */
    installed: string;
  }
}

/** Installs the built program as a site would: what is shipped and nothing else, where ordinary users can run it. */
export function setup(project: TestProject): () => void {
  if (!existsSync('dist/js/cli/main.js')) throw new Error('bcopy is not built: run make');
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-installed-'));
  chmodSync(directory, 0o755);
  for (const name of ['dist', 'templates', 'package.json'])
    cpSync(name, join(directory, name), { recursive: true });
  project.provide('installed', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
