import { expect, test } from 'vitest';
import { mountOf } from '../../../cli/steps/mount-of.ts';

const mountinfo = `22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /gws rw shared:5 - lustre 10.0.0.1@o2ib:/gws rw,flock
31 30 0:26 / /gws/a\\040b rw - gpfs gpfs01 rw
32 22 0:27 / /old rw - nfs4 nas:/old rw
33 22 0:28 /sub /old rw master:1 propagate_from:2 - nfs4 nas:/new rw
`;

test.each([
  ['/home/alice', { point: '/', type: 'ext4', source: '/dev/root' }],
  ['/gws', { point: '/gws', type: 'lustre' }],
  ['/gws/x/y', { point: '/gws', source: '10.0.0.1@o2ib:/gws' }],
  ['/gwsx', { point: '/' }],
  ['/gws/a b/c', { point: '/gws/a b', type: 'gpfs', source: 'gpfs01' }],
  ['/old/x', { source: 'nas:/new' }],
])('%s', (path, mount) => {
  expect(mountOf(mountinfo, path)).toMatchObject(mount);
});

test('nothing is known without mounts', () => {
  expect(mountOf('', '/')).toBeUndefined();
  expect(mountOf('broken\n', '/')).toBeUndefined();
});
