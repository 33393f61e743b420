import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { exitCodes } from '../../core/model/errors.ts';
import { makeTree } from '../helpers/tree.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const texts = new Map(documents.map((name) => [name, readFileSync(name, 'utf8')]));

/** A command line that a document shows, and the exit code that it shows or, showing none, means. */
type Shown = { readonly line: string; readonly exitCode: number };

/** The `$ ` lines of a document's console and sh blocks, in order; `$ echo $?` tells the code of the line before. */
function shownIn(text: string): Shown[] {
  const shown: Shown[] = [];
  for (const [, block = ''] of text.matchAll(/^```(?:console|sh)\n(.*?)^```$/gms)) {
    const lines = block.split('\n');
    lines.forEach((line, i) => {
      if (!line.startsWith('$ ') || line === '$ echo $?') return;
      const next = lines.findIndex((other, j) => j > i && other.startsWith('$ '));
      const exitCode = lines[next] === '$ echo $?' ? Number(lines[next + 1]) : 0;
      shown.push({ line: line.slice(2), exitCode });
    });
  }
  return shown;
}

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** What the documents copy: `mydir`, in a directory with `bcopy` in `bin/`. */
async function prepare(): Promise<string> {
  const cwd = world.directory();
  await makeTree(join(cwd, 'mydir'), { a: { f7: 'x', f8: 'y' }, b: { big: 'z'.repeat(100_000) }, c: {} });
  mkdirSync(join(cwd, 'bin'));
  symlinkSync(`${inject('installed')}/dist/js/cli/main.js`, join(cwd, 'bin/bcopy'));
  giveToUser(cwd);
  return cwd;
}

describe.each(documents.filter((name) => shownIn(texts.get(name)!).length > 0))('%s', (name) => {
  it('shows commands that end as it says', async () => {
    const cwd = await prepare();
    const path = `PATH=${cwd}/bin:${world.env.PATH}`;
    let job = '0';
    for (const { line, exitCode } of shownIn(texts.get(name)!)) {
      if (!/^(bcopy|chmod) /.test(line)) continue;
      const command = line.replace(/(?<=^bcopy (status|logs|cancel|clean) )\d+/, job);
      const ran = await world.run(cwd, 'env', path, 'bash', '-c', command);
      expect({ command, ...ran }).toMatchObject({ command, exitCode });
      job = /Job <(\d+)> is submitted/.exec(ran.stdout)?.[1] ?? job;
    }
  });
});

describe('every document', () => {
  /** Options of other programs. */
  const foreign = [
    '--chdir', // sbatch
    '--checksum', // rsync
    '--itemize-changes', // rsync
    '--kill-on-invalid-dep', // sbatch
    '--no-recursion', // tar
    '--quiet', // sha256sum
    '--no-requeue', // sbatch
    '--no-save', // npm
    '--requeue', // sbatch
    '--signal', // sbatch
  ];

  it('names options that exist only', async () => {
    const helps = await Promise.all(
      [
        [],
        ['status'],
        ['logs'],
        ['cancel'],
        ['clean'],
        ['remove'],
        ['verify'],
        ['manifest'],
        ['compare'],
      ].map((words) => world.bcopy('/', ...words, '--help')),
    );
    const known = new Set([...foreign, ...helps.flatMap(({ stdout }) => optionsIn(stdout))]);
    const unknown = documents.flatMap((name) =>
      optionsIn(name === 'docs/coming-from.md' ? ownWordsIn(texts.get(name)!) : texts.get(name)!)
        .filter((option) => !known.has(option))
        .map((option) => `${name}: ${option}`),
    );
    expect(unknown).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    const dead = documents.flatMap((name) =>
      linksIn(texts.get(name)!)
        .filter((link) => !leadsSomewhere(name, link))
        .map((link) => `${name}: ${link}`),
    );
    expect(dead).toEqual([]);
  });

  it('names files of the project that exist', () => {
    const named = documents.flatMap((name) =>
      [
        ...texts
          .get(name)!
          .matchAll(/`((?:cli|core|workers|templates|test|examples|docs|bench)\/[\w./-]*)`/g),
      ].map(([, path = '']) => path),
    );
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it('speaks of the project alone', () => {
    const places = documents.filter((name) =>
      /\/(work|home|root)\/|https?:\/\/(?!handlebarsjs\.com)/.test(texts.get(name)!),
    );
    expect(places).toEqual([]);
  });
});

it('docs/exit-codes.md explains each exit code', () => {
  const rows = [...texts.get('docs/exit-codes.md')!.matchAll(/^\| (\d+) \|/gm)].map(([, code]) =>
    Number(code),
  );
  expect(rows).toEqual(Object.values(exitCodes));
});

it('README.md stays short', () => {
  expect(texts.get('README.md')!.split('\n').length).toBeLessThanOrEqual(121);
});

/** Long options, but what is only a part of a longer word or of a line of dashes. */
function optionsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option);
}

/** Of tables that translate, the columns that are about bcopy. */
function ownWordsIn(text: string): string {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.map((line) => line.split('|').slice(-3).join('|')).join('\n');
}

function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? document : join(dirname(document), path);
  if (!existsSync(resolve(file))) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
