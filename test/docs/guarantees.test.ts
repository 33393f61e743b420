import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const text = readFileSync('docs/guarantees.md', 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| promise |'));
/** A row's last column: a file and a piece of a test's title, or of the table that gives it its title. */
const shown = rows.map((row) => /\| `(test\/[^`]+)`: `([^`]+)` \|$/.exec(row));

describe('docs/guarantees.md', () => {
  test('has a test in each row', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((_, i) => shown[i] === null)).toEqual([]);
  });

  test.each(shown.flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!] as const])))(
    'names a test that exists: %s: %s',
    (file, title) => {
      expect(existsSync(file)).toBe(true);
      expect(readFileSync(file, 'utf8')).toContain(title);
    },
  );
});
