import { expect, test } from 'vitest';
import { exitCodeOf, formatError } from '../../../cli/output/errors.ts';
import { BcopyError } from '../../../core/model/errors.ts';

test('an error is a sentence, the other program’s words and a hint', () => {
  const error = new BcopyError('refused', 'cannot submit: slurm refused it', {
    theirWords: 'sbatch: error: invalid partition\nsbatch: error: failed\n',
    hint: 'choose another partition',
  });
  expect(formatError(error, '1.2.3')).toBe(
    'bcopy: cannot submit: slurm refused it\n' +
      '  sbatch: error: invalid partition\n  sbatch: error: failed\nhint: choose another partition\n',
  );
  expect(exitCodeOf(error)).toBe(21);
});

test('an error without details is one line', () => {
  expect(formatError(new BcopyError('usage', 'cannot copy: no source is given'), '1.2.3')).toBe(
    'bcopy: cannot copy: no source is given\n',
  );
});

test('what was not foreseen shows stack and version', () => {
  const text = formatError(new TypeError('x is not a function'), '1.2.3');
  expect(text).toMatch(/^bcopy: unforeseen: x is not a function\n {4}at /);
  expect(text).toContain(`\n  bcopy 1.2.3, node ${process.version}\nhint: `);
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

test('something thrown that is no error is shown too', () => {
  expect(formatError('words', '1.2.3')).toContain('bcopy: unforeseen: words\n');
});
