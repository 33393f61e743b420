import { expect, test } from 'vitest';
import { formatPlan } from '../../../cli/output/copy-text.ts';
import { cutTape, layTape } from '../../helpers/memory-tape.ts';

test('a plan tells how many files have further names outside the source', () => {
  const plan = cutTape(layTape([{ kind: 'file', name: 'a', bytes: 1 }]), 1);
  const shown = { queue: 'copy', commands: [], scripts: [] };
  const totals = { ...plan.totals, linkedOutside: 1 };
  expect(formatPlan({ ...shown, plan: { ...plan, totals } })).toContain(
    '\n             1 file has further names outside the source\n',
  );
  expect(formatPlan({ ...shown, plan })).not.toContain('outside');
});

test('a plan tells how much filters have left out', () => {
  const plan = cutTape(layTape([{ kind: 'file', name: 'a', bytes: 1 }]), 1);
  const shown = { queue: 'copy', commands: [], scripts: [] };
  const totals = { ...plan.totals, excluded: 1200 };
  expect(formatPlan({ ...shown, plan: { ...plan, totals } })).toContain(
    '\n             excluded 1,200 entries\n',
  );
  expect(formatPlan({ ...shown, plan })).not.toContain('excluded');
});
