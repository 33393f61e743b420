import { closest } from 'fastest-levenshtein';
import { BcopyError } from '../core/model/errors.ts';
import { quoteName } from '../core/model/names.ts';
import type { Flags } from './command-line.ts';
import { readConfigFile } from './config-files.ts';
import { copyTable } from './option-tables/copy.ts';
import { type OptionSpec, variableOf } from './option-tables/option-spec.ts';
import type { Setting } from './parse-config.ts';

export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What `node` and `workerBundle` are where nobody says otherwise. */
  readonly node: string;
  readonly workerBundle: string;
  /** The site's config file. */
  readonly systemConfig?: string;
};

const table: readonly OptionSpec[] = copyTable;

/** What was said of each option of a copy, and where, not validated yet; what comes first goes before what comes later. */
export async function readSettings(flags: Flags, surroundings: Surroundings): Promise<Setting[]> {
  return [
    ...fromFlags(flags),
    ...fromVariables(surroundings.environment),
    ...fromSbatch(surroundings.environment),
    ...(await fromFiles(surroundings)),
  ];
}

function fromFlags(flags: Flags): Setting[] {
  return Object.entries(flags).map(([name, value]) => {
    const said = value === true ? `--${name}` : `--${name} ${quoteName(String(value))}`;
    return { name, value, said, origin: 'flag' };
  });
}

/** Variables of bcopy that are no options: where the local scheduler keeps its jobs, and which config file is read. */
const otherVariables = ['BCOPY_LOCAL_STATE', 'BCOPY_CONFIG'];

/** An empty variable counts as not set. */
function fromVariables(environment: Surroundings['environment']): Setting[] {
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (!variable.startsWith('BCOPY_') || otherVariables.includes(variable)) return [];
    const spec = table.find(({ name }) => variableOf(name) === variable);
    if (spec === undefined || spec.onlyTyped) throw unknownVariable(variable, spec);
    if (value === undefined || value === '') return [];
    return [{ name: spec.name, value, said: `${variable}=${quoteName(value)}`, origin: 'variable' }];
  });
}

function unknownVariable(variable: string, spec: OptionSpec | undefined): BcopyError {
  if (spec !== undefined) {
    return new BcopyError('usage', `cannot use ${variable}: ${spec.name} is given on the command line only`);
  }
  const known = table.filter(({ onlyTyped }) => !onlyTyped).map(({ name }) => variableOf(name));
  return new BcopyError('usage', `cannot use ${quoteName(variable)}: bcopy has no such variable`, {
    hint: `the nearest is ${closest(variable, [...known, ...otherVariables])}`,
  });
}

function fromSbatch(environment: Surroundings['environment']): Setting[] {
  return table.flatMap(({ name, sbatchVariable }) => {
    const value = sbatchVariable === undefined ? undefined : environment[sbatchVariable];
    if (value === undefined || value === '') return [];
    return [{ name, value, said: `${sbatchVariable}=${quoteName(value)}`, origin: 'variable' }];
  });
}

/** The user's file, then the system's; BCOPY_CONFIG names another in place of both. */
async function fromFiles({ environment, systemConfig }: Surroundings): Promise<Setting[]> {
  const { BCOPY_CONFIG: only, XDG_CONFIG_HOME: xdg, HOME: home } = environment;
  const own = xdg || (home ? `${home}/.config` : undefined);
  const usual = [
    own === undefined ? [] : [`${own}/bcopy/config.yaml`],
    systemConfig ?? '/etc/bcopy/config.yaml',
  ];
  const rules = {
    keys: table.filter(({ onlyTyped }) => !onlyTyped).map(({ name }) => name),
    onlyTyped: table.filter(({ onlyTyped }) => onlyTyped).map(({ name }) => name),
    mustExist: Boolean(only),
  };
  const settings = [];
  for (const file of only ? [only] : usual.flat()) settings.push(...(await readConfigFile(file, rules)));
  return settings;
}
