import { expect, test } from 'vitest';
import {
  parseLfsProject,
  parseLfsQuota,
  parseMmlsquota,
  parseQuota,
} from '../../../cli/steps/parse-quotas.ts';

const KiB = 1024;

/** What quota-tools 4.06 prints for `quota -u -g -w -p -f MOUNTPOINT`. */
const recorded = `Disk quotas for user alice (uid 1002): 
     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
     /dev/loop2   12288*  10240   20480 1795872314       2      50     100       0
Disk quotas for group alice (gid 1003): 
     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
     /dev/loop2     100       0    4096       0       7       0       0       0
Disk quotas for group staff (gid 50): 
     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
     /dev/loop2     100       0     101       0       7       0       8       0
`;

test('quota: what is left of the quotas of this user and of one group', () => {
  expect(parseQuota(recorded, 1002, 1003)).toEqual([
    { whose: 'your quota', room: { bytes: 8192 * KiB, inodes: 98 } },
    { whose: "your group's quota", room: { bytes: 3996 * KiB, inodes: undefined } },
  ]);
  expect(parseQuota(recorded, 7, 50)).toEqual([
    { whose: "your group's quota", room: { bytes: KiB, inodes: 1 } },
  ]);
});

const user = (row: string) =>
  `Disk quotas for user a (uid 5): \n     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace\n${row}\n`;

test.each([
  ['no quota at all', 'Disk quotas for user a (uid 5): none\n', undefined],
  ['no limits', user('/dev/sda1 100 0 0 0 5 0 0 0'), { bytes: Infinity, inodes: undefined }],
  ['a soft limit alone', user('/dev/sda1 100 300 0 0 5 9 0 0'), { bytes: 200 * KiB, inodes: 4 }],
  ['more used than allowed', user('/dev/sda1 500* 300 400 9 120* 50 100 5'), { bytes: 0, inodes: 0 }],
  ['a server with a blank in its path', user('nas:/vol/a b 1 0 3 0 1 0 2 0'), { bytes: 2048, inodes: 1 }],
  ['units of its own', user('/dev/sda1 1M 0 3M 0 5 0 0 0'), undefined],
  ['columns that are missing', user('/dev/sda1 100 0 0 5 0 0'), undefined],
  ['words', user('quota: error while getting quota from nas for a b c'), undefined],
  ['less than nothing', user('/dev/sda1 -5 0 3 0 5 0 0 0'), undefined],
  ['bytes that are no text', '\0\ufffd\n\n', undefined],
  ['nothing', '', undefined],
])('quota: %s', (_, output, room) => {
  expect(parseQuota(output, 5, 5)).toEqual(room === undefined ? [] : [{ whose: 'your quota', room }]);
});

/** As lfs-quota(1) and its users show them. */
test.each([
  [
    'one row',
    '        /lustre7 982177580       0 1000000000       - 443208230 0      0       -\n',
    { bytes: 17_822_420 * KiB, inodes: undefined },
  ],
  [
    'a row below a long directory',
    '/lustre/projects/a/long/one\n                 1024*  1000    2048  6d23h59m 12       0      20       -\n',
    { bytes: 1024 * KiB, inodes: 8 },
  ],
  [
    'a line about a default',
    '   /mnt 10 0 30 - 1 0 0 -\nuid 6215 is using default block quota setting\n',
    { bytes: 20 * KiB, inodes: undefined },
  ],
  [
    'what is not known exactly',
    '  /fred [1041408]  5242880 6291456       -     [0]       0       0       -\n',
    undefined,
  ],
  ['a complaint', "lfs quota: '/home' not on a mounted Lustre filesystem\n", undefined],
  ['rows of single targets', '/mnt 1 0 9 - 1 0 0 -\nMDT0000 1 0 9 - 1 0 0 -\n', undefined],
])('lfs quota: %s', (_, output, room) => {
  expect(parseLfsQuota(output, 'your quota')).toEqual(
    room === undefined ? [] : [{ whose: 'your quota', room }],
  );
});

test.each([
  ['that is handed down', ' 1001 P /lustre/project\n', 1001],
  ['that is not', ' 1001 - /lustre/project\n', undefined],
  ['without a number', '    0 P /lustre\n', undefined],
  ['of old lfs', 'lfs: unknown command\n', undefined],
])('lfs project: a directory with a project %s', (_, output, project) => {
  expect(parseLfsProject(output)).toBe(project);
});

const header =
  'mmlsquota::HEADER:version:reserved:reserved:filesystemName:quotaType:id:name:blockUsage:blockQuota:blockLimit:blockInDoubt:blockGrace:filesUsage:filesQuota:filesLimit:filesInDoubt:filesGrace:remarks:quota:defQuota:fid:filesetname:';
const row = (type: string, figures: string, fileset = 'root') =>
  `mmlsquota::0:1:::gpfs01:${type}:1002:alice:${figures}::on:off:0:${fileset}:`;

test.each([
  [
    'one row',
    [header, row('USR', '1024:2048:4096:0:none:10:0:100:0:none')],
    { bytes: 3072 * KiB, inodes: 90 },
  ],
  [
    'rows of others',
    [header, row('GRP', '9:0:9:0:none:1:0:1:0:none'), row('USR', '1:0:0:0:none:1:0:0:0:none')],
    { bytes: Infinity, inodes: undefined },
  ],
  [
    'a quota in each fileset',
    [header, row('USR', '1:0:2:0:none:1:0:0:0:none'), row('USR', '1:0:3:0:none:1:0:0:0:none', 'b')],
    undefined,
  ],
  ['no limits set', [header, row('USR', ':::::::::')], undefined],
  ['no header', [row('USR', '1:0:2:0:none:1:0:0:0:none')], undefined],
  ['a complaint', ['mmlsquota: no quotas are enabled'], undefined],
])('mmlsquota: %s', (_, lines, room) => {
  expect(parseMmlsquota(`${lines.join('\n')}\n`, 'USR', 'your quota')).toEqual(
    room === undefined ? [] : [{ whose: 'your quota', room }],
  );
});
