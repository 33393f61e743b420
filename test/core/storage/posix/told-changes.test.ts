import { closeSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { countsChanges, isAtLeast, tellsChanges } from '../../../../core/storage/posix/told-changes.ts';
import { type FileSystem, type MountWords, mountNew } from '../../../helpers/file-systems.ts';

describe('the version of a kernel', () => {
  test.each([
    ['6.13.0', true],
    ['6.13', true],
    ['6.13-rc1', true],
    ['6.13.7-200.fc41.x86_64', true],
    ['6.14.0-15-generic', true],
    ['6.100.1', true],
    ['7.0', true],
    ['7.0.0-rc3', true],
    ['10.1', true],
    ['6.12.99-foo', false],
    ['6.1.0-13-amd64', false],
    ['6', false],
    ['5.14.0-362.el9', false],
    ['5.99.0', false],
    ['2.6.32', false],
    ['', false],
    ['garbage', false],
    ['v6.13', false],
    ['.14', false],
  ])('%s is from 6.13 on: %s', (kernel, expected) => {
    expect(isAtLeast(kernel, 6, 13)).toBe(expected);
  });
});

describe('what is known of a file system', () => {
  const isRecent = isAtLeast(release(), 6, 13);
  const [all, tellsOnly] = [
    { tells: true, counts: isRecent },
    { tells: true, counts: false },
  ];
  const none = { tells: false, counts: false };

  test.for([
    ['ext4', [], all],
    ['xfs', [], all],
    ['btrfs', [], all],
    // Their code is that of ext4, but all changes within a tick of the clock have one ctime
    ['ext3', [], tellsOnly],
    ['ext2', [], tellsOnly],
    // Attributes that nobody sees until it is mounted otherwise
    ['btrfs', ['noacl'], none],
    ['tmpfs', [], none],
  ] as const)('%s, mounted with %j', async ([kind, options, expected], { skip }) => {
    expect(await toldMounted(skip, kind, { options })).toEqual(expected);
  });

  test('is what it is mounted as, whatever it was made as', async ({ skip }) => {
    expect(await toldMounted(skip, 'ext3', { as: 'ext4' })).toEqual(all);
  });

  test('is nothing of /proc', () => {
    expect(told('/proc/self')).toEqual(none);
  });
});

/** A device that nobody has asked for before: answers are remembered. */
let device = 2 ** 30;

function told(path: string) {
  const fd = openSync(path, 'r');
  const asked = device++;
  try {
    const counts = countsChanges(fd, asked);
    return { tells: tellsChanges(fd, asked), counts };
  } finally {
    closeSync(fd);
  }
}

async function toldMounted(
  skip: (why: string) => never,
  kind: FileSystem | 'ext2' | 'ext3',
  words: MountWords,
) {
  const mounted = await mountNew(kind, words);
  if (typeof mounted === 'string') return skip(mounted);
  try {
    return told(mounted.path);
  } finally {
    await mounted.unmount();
  }
}
