import { describe, expect, it } from 'vitest';
import { whyNotForSbatch } from '../../../../cli/schedulers/slurm/owned-arguments.ts';

describe('the user’s own arguments', () => {
  it.each([
    '--array=0-3',
    '--arr=0-3',
    '-a0-3',
    '--output=x',
    '-ox',
    '-Hox',
    '--error',
    '-e',
    '--chdir=/',
    '-D/',
    '--job-name=x',
    '--job=x',
    '-Jx',
    '--dependency=singleton',
    '-dsingleton',
    '--wait',
    '-W',
    '--parsable',
    '--export=NONE',
    '--open-mode=truncate',
    '--wrap=true',
    '--test-only',
    '-Mother',
    '--clusters=other',
    '--help',
    '-V',
  ])('%s is refused by name', (argument) => {
    expect(whyNotForSbatch(argument)).toMatch(/^bcopy gives --[a-z-]+ itself$/);
  });

  it.each(['n1', ':', '', '-', '--'])('%j is refused, since it is no option', (argument) => {
    expect(whyNotForSbatch(argument)).toMatch(/^it must be one option/);
  });

  it.each([
    '--nodelist=n1',
    '-xn2',
    '--exclusive',
    '-H',
    '--wait-all-nodes=1',
    '--comment=--array',
    '--nice',
    '-pcopy',
    '-wn1',
  ])('%s passes, since it is none of bcopy’s business', (argument) => {
    expect(whyNotForSbatch(argument)).toBeUndefined();
  });
});
