import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { forecastActions, forecastReasons } from '../../core/model/forecast.ts';

const text = readFileSync('docs/dry-run.md', 'utf8');

/** The words in backquotes that rows of the table after a heading row begin with. */
function firstCells(heading: string): string[] {
  const begun = text.indexOf(heading);
  const rows = text.slice(begun, text.indexOf('\n\n', begun)).split('\n').slice(2);
  return rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? row);
}

test('docs/dry-run.md has every line, and every reason', () => {
  expect(firstCells('| line |').sort()).toEqual([...forecastActions].sort());
  expect(firstCells('| `why` | with |').sort()).toEqual([...forecastReasons.keys()].sort());
});
