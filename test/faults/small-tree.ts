import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { setAcl, setAttribute } from '../helpers/attributes.ts';
import { directory, fifo, file, hardLinkTo, makeTree, sparseFile, symlinkTo, tree } from '../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
const at = (second: number) => ({ mtimeNs: BigInt(1_000_000_000 + second) * 1_000_000_000n + 123_456_789n });
/** Content of which no two blocks are alike, so that a piece in the wrong place is seen. */
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 12) * 13 + 1) & 0xff);

/** Fills an empty directory with an entry of every kind, and every attribute that this user can give. */
export async function makeSmallTree(path: string): Promise<void> {
  await makeTree(
    path,
    directory(
      {
        empty: file('', at(1)),
        small: file('small', { mode: 0o640, ...at(2) }),
        large: file(bytes(300_000), at(3)),
        sparse: sparseFile(2 ** 20, [[2 ** 18, bytes(5000)]], at(4)),
        setuid: file('runs as its owner', { mode: 0o4755, ...at(5) }),
        symlink: symlinkTo('small', at(6)),
        dangling: symlinkTo('nowhere/at all', at(7)),
        fifo: fifo({ mode: 0o620, ...at(8) }),
        linked: file('has three names', at(9)),
        'empty directory': directory({}, { mode: 0o711, ...at(10) }),
        closed: directory({ inside: file('kept', { mode: 0o400, ...at(11) }) }, { mode: 0o500, ...at(12) }),
        given: directory(
          { again: hardLinkTo('linked'), deep: directory({ 'once more': hardLinkTo('linked') }, at(13)) },
          { mode: 0o2775, ...at(14) },
        ),
        names: directory(
          tree([
            [Buffer.from([0xff, 0xfe]), file('not UTF-8', at(15))],
            ['new\nline', file('two lines', at(16))],
            ['-rf *', file('words', at(17))],
            ['.bcopy.', file('nearly one of ours', at(18))],
          ]),
          at(19),
        ),
        attributes: directory(
          { noted: file('has a note', at(20)), shared: file('has an ACL', at(21)) },
          at(22),
        ),
      },
      { mode: 0o755, ...at(23) },
    ),
  );
  giveAttributes(path);
}

function giveAttributes(path: string): void {
  setAttribute(`${path}/attributes/noted`, 'user.note', 'of some length');
  setAttribute(`${path}/attributes`, 'user.note', 'of a directory');
  setAcl(`${path}/attributes/shared`, '-m', 'u:1234:rw,g:1234:r');
  setAcl(`${path}/attributes`, '-m', 'd:u:1234:rwx');
  if (!isRoot) return;
  chownSync(`${path}/small`, 1234, 4321);
  chownSync(`${path}/closed`, 1234, 4321);
  execFileSync('mknod', ['-m', '640', `${path}/device`, 'c', '1', '3']);
  execFileSync('touch', ['-d', '@1000000030.5', `${path}/device`]);
  execFileSync('touch', ['-d', '@1000000023.123456789', path]);
}

/** A file that is divided among two shards, and its further name. */
export async function makeDividedTree(path: string): Promise<void> {
  const large = file(bytes(5 * 2 ** 20 + 77), { mode: 0o604, ...at(1) });
  await makeTree(path, directory({ large, name: hardLinkTo('large'), small: file('small', at(2)) }, at(3)));
}
