import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keepWords, lossWords, symlinkWords } from '../../core/model/fidelity.ts';

const text = readFileSync('docs/fidelity.md', 'utf8');
/** The last column of the first table: a file, a title and, where many tests share it, the case. */
const shown = [...text.matchAll(/^\|[^\n]*\| `(test\/[^`]+)`: `([^`]+)`(?: \(`([^`]+)`\))? \|$/gm)];

describe('docs/fidelity.md', () => {
  test('has a test in each row', () => {
    const rows = text
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(1);
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((row) => !shown.some(([line]) => line === row))).toEqual([]);
  });

  test.each(shown.map(([, file, title, name]) => [file!, title!, name] as const))(
    'names a test that exists: %s: %s (%s)',
    (file, title, name) => {
      expect(existsSync(file)).toBe(true);
      const source = readFileSync(file, 'utf8');
      expect(source).toMatch(
        new RegExp(`test(\\.\\w+\\(.*\\)|\\.each\\(\\[?[^]*?\\]?\\))?\\(\\s*'${escaped(title)}'`),
      );
      if (name !== undefined)
        expect(readFileSync('test/contracts/storage-literals.ts', 'utf8')).toContain(name);
    },
  );

  test('has all words of the options', () => {
    for (const word of [...keepWords, ...lossWords, ...symlinkWords]) expect(text).toContain(`\`${word}\``);
  });
});

function escaped(title: string): string {
  return title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
