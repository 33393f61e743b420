import { execa, execaSync } from 'execa';

/** Sets an extended attribute; a value that begins with 0x is in hexadecimal digits. Symlinks are not followed. */
export function setAttribute(path: string, name: string, value: string): void {
  execaSync('setfattr', ['-h', '-n', name, '-v', value, path]);
}

/** Changes an ACL as setfacl(1) takes it: `-m u:1234:rwx`. */
export function setAcl(path: string, ...words: string[]): void {
  execaSync('setfacl', [...words, path]);
}

/** The ACLs of a path as getfacl(1) shows them, line by line. */
export function aclOf(path: string): string[] {
  return execaSync('getfacl', ['-ncEp', '--omit-header', path])
    .stdout.split('\n')
    .filter((line) => line !== '');
}

/** All extended attributes below a directory, ACLs too, in order of the paths. */
export async function attributesBelow(directory: string): Promise<string> {
  const line = 'find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -hd -m - -e hex';
  return (await execa('bash', ['-c', line], { cwd: directory })).stdout;
}

/** What rsync would still have to do: nothing when both trees are equal in content, metadata, hard links, ACLs and attributes. */
export async function differences(source: string, destination: string): Promise<string> {
  const words = ['-aHAXn', '--checksum', '--delete', '--itemize-changes', `${source}/`, `${destination}/`];
  return (await execa('rsync', words)).stdout;
}
