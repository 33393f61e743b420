import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optionTables } from '../../cli/option-table.ts';
import { EntryFilter } from '../../core/model/filters.ts';

const text = readFileSync('docs/filters.md', 'utf8');

/** The words in backquotes of a cell. */
const words = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, word]) => word!);

const begun = text.indexOf('| rule |');
const table = text.slice(begun, text.indexOf('\n\n', begun)).split('\n').slice(2);
const rows = table.map((line) => {
  const [rule, pattern, fitting, others] = line.split(/(?<!\\)\|/).slice(1);
  return {
    rule: rule!.trim(),
    pattern: words(pattern!)[0]!,
    fitting: words(fitting!),
    others: words(others!),
  };
});

function fits(pattern: string, path: string): boolean {
  const steps = path.replace(/\/$/, '').split('/');
  const filter = new EntryFilter({ rules: [{ kind: 'exclude', pattern }] });
  return filter.excludes(steps.slice(0, -1).join('/'), steps.at(-1)!, path.endsWith('/'));
}

describe('docs/filters.md', () => {
  test.each(rows)('is true: $rule: $pattern', ({ pattern, fitting, others }) => {
    expect(fitting.filter((path) => !fits(pattern, path))).toEqual([]);
    expect(others.filter((path) => fits(pattern, path))).toEqual([]);
  });

  test('has a table', () => {
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.filter(({ fitting }) => fitting.length === 0)).toEqual([]);
  });

  test('has every option that chooses what is copied', () => {
    const options = optionTables.copy.filter(({ group }) => group.includes('docs/filters.md'));
    expect(options.length).toBeGreaterThan(10);
    for (const { name } of options) expect(text).toContain(`--${name}`);
  });
});
