import { complaint, readOptions } from './options.mjs';
import { failure, knob, okay, spendKnob, unreachable } from './state.mjs';

/** The knob `partitions`: one name per line, the default one with a star. */
export function partitions() {
  const names = (knob('partitions') ?? 'copy\nstandard*').split(/\s+/).filter(Boolean);
  return names.map((name) => ({ name: name.replace('*', ''), isDefault: name.endsWith('*') }));
}

const table = [
  ['noheader', 'h', false],
  ['format', 'o', true],
  ['partition', 'p', true],
];
const columns = {
  P: ['PARTITION', ({ name, isDefault }) => `${name}${isDefault ? '*' : ''}`],
  R: ['PARTITION', ({ name }) => name],
  a: ['AVAIL', () => 'up'],
  l: ['TIMELIMIT', () => 'infinite'],
  T: ['STATE', () => 'idle'],
};

export function sinfo(args) {
  const { options, wrong } = readOptions(table, args, false);
  if (wrong) return failure(1, ...complaint('sinfo', wrong));
  if (spendKnob('busy')) return failure(1, `slurm_load_partitions: ${unreachable}`);
  const format = options.get('format') ?? '%P %a %l %T';
  const line = (value) =>
    `${format.replace(/%(.)/g, (all, letter) => (columns[letter] ? value(columns[letter]) : all))}\n`;
  const header = options.has('noheader') ? '' : line(([title]) => title);
  const wanted = options.get('partition')?.split(',');
  const shown = partitions().filter(({ name }) => wanted?.includes(name) ?? true);
  return okay(header + shown.map((partition) => line(([, show]) => show(partition))).join(''));
}
