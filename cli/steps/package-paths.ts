import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the parts of this package are, as absolute paths, from the sources and from the bundle alike. */
export type PackagePaths = {
  readonly version: string;
  readonly templates: string;
  readonly workerBundle: string;
  readonly supervisorBundle: string;
  readonly scanThreadBundle: string;
  readonly proofThreadBundle: string;
};

/** Looks upwards from this file for the package's own package.json. */
export function packagePaths(): PackagePaths {
  const { root, version } = findPackage(dirname(fileURLToPath(import.meta.url)));
  return {
    version,
    templates: join(root, 'templates'),
    workerBundle: join(root, 'dist/js/workers/main.js'),
    supervisorBundle: join(root, 'dist/js/cli/schedulers/local/supervisor.js'),
    scanThreadBundle: join(root, 'dist/js/cli/scan-thread.js'),
    proofThreadBundle: join(root, 'dist/js/cli/proof-thread.js'),
  };
}

function findPackage(directory: string): { root: string; version: string } {
  const found = readPackage(join(directory, 'package.json'));
  if (found?.name === 'bcopy') return { root: directory, version: found.version };
  const parent = dirname(directory);
  if (parent === directory) throw new Error('the package.json of bcopy is missing from its installation');
  return findPackage(parent);
}

function readPackage(file: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
