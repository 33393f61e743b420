import { readFile } from 'node:fs/promises';
import { unusableConfig } from './config-flaw.ts';
import type { ConfigRules, Setting } from './parse-config.ts';

/**
 * The settings in a config file; a file that is not there has none, unless it must exist. Each value is as it was
 * written: `mem: 010` is the text 010. An unknown or repeated key and YAML that is no flat map are `usage` errors
 * with file and line.
 */
export async function readConfigFile(
  file: string,
  rules: ConfigRules & {
    /** Whether a file that is not there is an error. */
    readonly mustExist: boolean;
  },
): Promise<Setting[]> {
  const text = await readText(file, rules.mustExist);
  if (text === '') return [];
  const { parseConfig } = await import('./parse-config.ts');
  return parseConfig(file, text, rules);
}

async function readText(file: string, mustExist: boolean): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!mustExist && (code === 'ENOENT' || code === 'ENOTDIR')) return '';
    throw unusableConfig(file, undefined, code || message);
  }
}
