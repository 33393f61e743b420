import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optionTables } from '../../cli/option-table.ts';

const text = readFileSync('docs/coming-from.md', 'utf8');

/** All options of hpcp 9.63, from its argument parser. */
const hpcp = `-h -s -j -m -t -b -nb -v -do -nds -fh -hs -fpj -sfl -lfl -fl -tfl -cfl -dfl -tdfl -nhfl -rm -rf -rme -rwloff -e -x -nlt -V
  -pfl -si -siff -d -C -rds -di -dis -diff -dd -ddr -nfp -L -rl -F -frl -tfs -ncd -co -ctl -enes`;
/** All options of s3copy 0.0.2, the hidden ones too. */
const s3copy = `-h -n -f -p -F -P -a -k -c -d --acl-grant -t -l -L --clean-mpcopies --s3-prefixes -w --retries --dest-prefix
  --work-prefix --reassemble-large-file --large-file --part-size`;

const sections = new Map(text.split(/^## /m).map((section) => [section.split('\n', 1)[0]!, section]));
const rows = text
  .split('\n')
  .filter((line) => /^\| (?!.*\| here \|)/.test(line))
  .map((line) => {
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return { line, here: cells.at(-2)!, shown: /^`(test\/[^`]+)`: `([^`]+)`$/.exec(cells.at(-1)!) };
  });
const known = new Set(
  Object.values(optionTables).flatMap((table) =>
    table.flatMap(({ name, letter }: { name: string; letter?: string }) => [`--${name}`, `-${letter}`]),
  ),
);
const optionsIn = (cell: string) => cell.match(/(?<![\w-])--?[a-zA-Z][a-z-]*/g) ?? [];

describe('docs/coming-from.md', () => {
  test('has a test in each row, but where bcopy has no word', () => {
    expect(rows.length).toBeGreaterThan(55);
    const open = rows.filter(({ here, shown }) => shown === null && !/^none(:|$)/.test(here));
    expect(open.map(({ line }) => line)).toEqual([]);
  });

  test.each(rows.flatMap(({ shown }) => (shown === null ? [] : [[shown[1]!, shown[2]!] as const])))(
    'names a test that exists: %s: %s',
    (file, title) => {
      expect(existsSync(file)).toBe(true);
      expect(readFileSync(file, 'utf8')).toContain(`'${title}'`);
    },
  );

  test('has words of bcopy that exist', () => {
    const help = ['-h', '--help', '-V', '--version'];
    const unknown = rows.flatMap(({ here }) =>
      optionsIn(here).filter((option) => !known.has(option) && !help.includes(option)),
    );
    expect(unknown).toEqual([]);
  });

  test.each([
    ['hpcp', hpcp],
    ['s3copy', s3copy],
  ])('has every option of %s', (program, options) => {
    const section = sections.get(program)!;
    const missing = options.split(/\s+/).filter((option) => !section.includes(`\`${option}\``));
    expect(missing).toEqual([]);
  });
});
