import { expect, test } from 'vitest';
import { onceForDirectory } from '../../../cli/output/difference-text.ts';

const shut = 'open destination directory: EACCES';
const unread = (path: string, ordinal?: number) => ({
  kind: 'unreadable' as const,
  path,
  detail: shut,
  ...(ordinal === undefined ? {} : { ordinal }),
});

test('of what is in a closed directory only the directory is told, once', () => {
  const told = onceForDirectory([
    unread('sub/a', 3),
    unread('sub/b', 4),
    { kind: 'mode', path: 'c', detail: '', ordinal: 5 },
    { kind: 'unreadable', path: 'd', detail: 'read: EIO', ordinal: 6 },
    unread('sub'),
  ]);
  expect([...told].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'unreadable sub',
    'mode c',
    'unreadable d',
  ]);
});
