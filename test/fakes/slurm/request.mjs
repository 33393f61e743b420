// What sbatch reads before it asks slurmctld: its options from three places, and the script.
import { readFileSync } from 'node:fs';
import { complaint, readOptions } from './options.mjs';
import { failure, knob, okay } from './state.mjs';

const words = (text, takesValue) =>
  text.split(' ').map((word) => [...`${word}:`.split(':').slice(0, 2), takesValue]);
const table = [
  ...words('parsable wait:W requeue no-requeue quiet:Q verbose:v version:V exclusive contiguous'),
  ...words('job-name:J array:a chdir:D output:o error:e open-mode export dependency:d', true),
  ...words('kill-on-invalid-dep account:A partition:p qos:q time:t mem cpus-per-task:c constraint:C', true),
  ...words(
    'reservation mail-user mail-type comment nodes:N ntasks:n wrap begin:b mem-per-cpu gres signal',
    true,
  ),
  ...words('licenses:L nodelist:w exclude:x clusters:M tmp input:i nice time-min cluster-constraint', true),
];
const variables = {
  ...{ SBATCH_ACCOUNT: 'account', SBATCH_ARRAY_INX: 'array', SBATCH_CONSTRAINT: 'constraint' },
  ...{
    SBATCH_EXPORT: 'export',
    SBATCH_JOB_NAME: 'job-name',
    SBATCH_OPEN_MODE: 'open-mode',
    SBATCH_QOS: 'qos',
  },
  ...{
    SBATCH_OUTPUT: 'output',
    SBATCH_ERROR: 'error',
    SBATCH_PARTITION: 'partition',
    SBATCH_TIMELIMIT: 'time',
  },
  ...{ SBATCH_RESERVATION: 'reservation' },
};
const timeForm = /^(\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|UNLIMITED|INFINITE)$/i;
const mailForm =
  /^(NONE|BEGIN|END|FAIL|REQUEUE|ALL|INVALID_DEPEND|STAGE_OUT|TIME_LIMIT(_\d+)?|ARRAY_TASKS)$/i;
const checks = {
  time: (value) => timeForm.test(value),
  mem: (value) => /^\d+[KMGT]?B?$/i.test(value),
  'open-mode': (value) => /^(a|append|t|truncate)$/.test(value),
  'mail-type': (value) => value.split(',').every((type) => mailForm.test(type)),
  'kill-on-invalid-dep': (value) => /^(yes|no|y|n)$/.test(value),
};
const noBatchScript = [
  'This does not look like a batch script.  The first',
  'line must start with #! followed by the path to an interpreter.',
  'For instance: #!/bin/sh',
];

export const refusal = (...lines) => failure(1, ...lines.map((line) => `sbatch: error: ${line}`));
/** slurmctld's own refusal. */
export const notSubmitted = (why) => refusal(`Batch job submission failed: ${why}`);

/** `0-5,8%3` -> { tasks, throttle }; undefined when SLURM would not take it. */
export function readArray(text) {
  const [list, throttle = '0'] = text.split('%');
  const largest = Number(knob('max-array-size') ?? 1001) - 1;
  const tasks = new Set();
  for (const piece of list.split(',')) {
    const form = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(piece);
    if (!form) return undefined;
    const [first, last, step] = [Number(form[1]), Number(form[2] ?? form[1]), Number(form[3] ?? 1)];
    if (last < first || last > largest || step < 1) return undefined;
    for (let task = first; task <= last; task += step) tasks.add(task);
  }
  return { tasks: [...tasks].sort((a, b) => a - b), throttle: Number.parseInt(throttle, 10) || 0 };
}

/** `afterany:1:2,afterok:3` -> [{ kind, ids }]; undefined when it is none. */
export function readDependencies(text) {
  const known = /^(after|afterany|afterok|afternotok)((:\d+(_\d+)?)+)$/;
  const found = text.split(',').map((part) => known.exec(part));
  if (found.includes(null)) return undefined;
  return found.map(([, kind, ids]) => ({ kind, ids: ids.slice(1).split(':') }));
}

function readScript(options, path) {
  if (options.has('wrap'))
    return { script: `#!/bin/sh\n# This script was created by sbatch --wrap.\n\n${options.get('wrap')}\n` };
  let script;
  try {
    script = readFileSync(path === undefined ? 0 : Buffer.from(path, 'latin1'), 'latin1');
  } catch {
    return { wrong: [`Unable to open file ${path}`] };
  }
  if (script === '') return { wrong: ['Batch script is empty!'] };
  if (!script.startsWith('#!')) return { wrong: noBatchScript };
  if (!script.includes('\r\n')) return { script };
  return {
    wrong: ['Batch script contains DOS line breaks (\\r\\n)', 'instead of expected UNIX line breaks (\\n).'],
  };
}

/** Options of the script's `#SBATCH` lines, which end at its first command. */
function directives(script) {
  const lines = script.split('\n');
  const end = lines.findIndex((line) => line !== '' && !line.startsWith('#'));
  const found = (end < 0 ? lines : lines.slice(0, end)).filter((line) => line.startsWith('#SBATCH'));
  return found.flatMap((line) => {
    const parts = line.slice(7).match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
    return parts.map((part) => part.replace(/["']/g, ''));
  });
}

/** { options, script, scriptWords }, or { answer } when sbatch goes no further. */
export function settle(args) {
  const given = readOptions(table, args, true);
  if (given.wrong) return { answer: failure(255, ...complaint('sbatch', given.wrong)) };
  if (given.options.has('version')) return { answer: okay('slurm-wlm 22.05.8\n') };
  const { script, wrong } = readScript(given.options, given.words[0]);
  if (wrong) return { answer: refusal(...wrong) };
  const inScript = readOptions(table, directives(script), false);
  if (inScript.wrong) return { answer: failure(255, ...complaint('sbatch', inScript.wrong)) };
  const fromEnvironment = Object.entries(variables).filter(([name]) => process.env[name] !== undefined);
  const options = new Map([
    ...inScript.options,
    ...fromEnvironment.map(([name, option]) => [option, Buffer.from(process.env[name]).toString('latin1')]),
    ...given.options,
  ]);
  for (const [name, isValid] of Object.entries(checks)) {
    if (options.has(name) && !isValid(options.get(name))) {
      return { answer: failure(255, `sbatch: error: Invalid --${name} specification`) };
    }
  }
  const cpus = options.get('cpus-per-task');
  if (cpus !== undefined && !/^[1-9]\d*$/.test(cpus)) {
    return { answer: refusal(`Invalid numeric value "${cpus}" for --cpus-per-task.`) };
  }
  return { options, script, scriptWords: given.words };
}
