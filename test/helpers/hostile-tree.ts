import { execFileSync } from 'node:child_process';
import { closeSync, linkSync, mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';

const badNames = ['\xff\xfe', 'a\xc3', '\xed\xa0\x80', 'tab\there', 'new\nline', '"quoted"', 'back\\slash'];
const goodNames = [
  'plain',
  'Ä',
  '漢字',
  '\x7f',
  ' blank ',
  '__proto__',
  '-n',
  'x'.repeat(255),
  '\u2028',
  '😀',
];

/** Fills a directory with what a scan can meet, some 9,000 entries; `outside` is beside it. */
export function fillHostileTree(source: string, outside: string): void {
  fillNames(source);
  fillLarge(`${source}/large`);
  fillNested(`${source}/nested`, 4);
  fillDeep(source);
  fillLinked(source, outside);
}

function fillNames(source: string): void {
  for (const name of goodNames) writeFileSync(`${source}/${name}`, name);
  for (const name of badNames) {
    const directory = Buffer.from(`${source}/d `, 'utf8');
    const path = Buffer.concat([directory, Buffer.from(name, 'latin1')]);
    mkdirSync(path);
    writeFileSync(Buffer.concat([path, Buffer.from('/'), Buffer.from(name, 'latin1')]), 'x');
  }
  symlinkSync('nowhere', `${source}/symlink`);
  execFileSync('mkfifo', [`${source}/fifo`]);
  writeFileSync(`${source}/sparse`, '');
  truncateSync(`${source}/sparse`, 2 ** 40 + 7);
  mkdirSync(`${source}/empty`);
}

/** More names than one block of them holds, and directories among them. */
function fillLarge(path: string): void {
  mkdirSync(path);
  for (let i = 0; i < 6000; i++) {
    if (i % 500 === 250) {
      mkdirSync(`${path}/directory ${i}`);
      writeFileSync(`${path}/directory ${i}/file`, 'x'.repeat(i % 13));
    } else closeSync(openSync(`${path}/name ${i} ${'é'.repeat(i % 30)}`, 'wx'));
  }
}

function fillNested(path: string, levels: number): void {
  mkdirSync(path);
  for (let i = 0; i < 3; i++) writeFileSync(`${path}/file ${i}`, 'x'.repeat(levels * i));
  if (levels > 0) for (let i = 0; i < 5; i++) fillNested(`${path}/${i}`, levels - 1);
}

/** Deeper than PATH_MAX. */
function fillDeep(source: string): void {
  const script = `cd "$1"; for ((i = 0; i < 30; i++)); do mkdir "$2"; cd -P "./$2"; echo "$i" > file; done`;
  execFileSync('bash', ['-c', script, 'bash', source, `deep${'é'.repeat(90)}`]);
}

function fillLinked(source: string, outside: string): void {
  writeFileSync(`${source}/nested/first`, 'linked');
  for (let i = 0; i < 5; i++) linkSync(`${source}/nested/first`, `${source}/nested/${i}/linked`);
  linkSync(`${source}/nested/first`, `${source}/large/linked`);
  for (let i = 0; i < 400; i++) {
    writeFileSync(`${source}/nested/0/many ${i}`, 'x'.repeat(i));
    linkSync(`${source}/nested/0/many ${i}`, `${source}/nested/4/"many" ${i}`);
  }
  symlinkSync('x', `${source}/linked symlink`);
  linkSync(`${source}/linked symlink`, `${source}/empty/linked symlink`);
  linkSync(`${source}/nested/1/file 1`, `${outside}/elsewhere`);
}
