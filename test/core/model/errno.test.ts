import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { adviceFor, meaningOf } from '../../../core/model/advice.ts';
import { classOf } from '../../../core/model/errno.ts';

describe('the class of a cause', () => {
  test.each(['EAGAIN', 'EBUSY', 'EINTR', 'EIO', 'EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT', 'ECONNRESET'])(
    '%s may pass',
    (cause) => {
      expect(classOf(cause)).toBe('transient');
    },
  );

  test.each(['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN'])('%s may pass', (cause) => {
    expect(classOf(cause)).toBe('transient');
  });

  test.each(['ENOSPC', 'EDQUOT', 'EROFS'])('%s ends the shard', (cause) => {
    expect(classOf(cause)).toBe('hopeless');
  });

  test.each([
    'EACCES',
    'EPERM',
    'ENAMETOOLONG',
    'EISDIR',
    'ENOTDIR',
    'ELOOP',
    'EINVAL',
    'CHANGED',
    'SOURCE_ROOT',
  ])('%s is for a person', (cause) => {
    expect(classOf(cause)).toBe('permanent');
  });
});

describe('what is said of a cause', () => {
  test('a known one has a sentence with its name', () => {
    expect(meaningOf('EACCES')).toBe('permission denied (EACCES)');
  });

  test('an unknown one is its name, with advice all the same', () => {
    expect(meaningOf('EXYZ')).toBe('EXYZ');
    expect(adviceFor('EXYZ')).toMatch(/--retry/);
  });

  test('every hopeless cause and every cause of our own has advice of its own', () => {
    const unknown = adviceFor('EXYZ');
    for (const cause of ['ENOSPC', 'EDQUOT', 'EROFS', 'CHANGED', 'SOURCE_ROOT', 'INTO_SOURCE'])
      expect(adviceFor(cause)).not.toBe(unknown);
  });

  test('every errno of this system has a class and advice', () => {
    for (const cause of Object.keys(constants.errno)) {
      expect(['transient', 'permanent', 'hopeless']).toContain(classOf(cause));
      expect(adviceFor(cause)).not.toBe('');
    }
  });
});
