import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type JobKind, type JobScriptView, renderJobScript } from '../../../cli/steps/job-script.ts';
import { packagePaths } from '../../../cli/steps/package-paths.ts';
import type { BcopyError } from '../../../core/model/errors.ts';

const kinds = ['task', 'finish'] as const;
const view: JobScriptView = {
  runId: '20261121-071956-ab12',
  attempt: 2,
  array: 1,
  node: '/opt/node 20/bin/node',
  worker: "/opt/it's here/$(touch pwned)/main.js",
  version: '1.2.3',
};

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bcopy-job-script-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe.each(kinds)('the %s script', (kind) => {
  test('is as it was read and found good', async () => {
    await expect(await renderJobScript(kind, view)).toMatchFileSnapshot(`../../golden/${kind}.sbatch`);
  });

  test('is good bash', async () => {
    const checked = spawnSync('bash', ['-n'], { input: await renderJobScript(kind, view) });
    expect(checked.stderr.toString()).toBe('');
    expect(checked.status).toBe(0);
  });
});

describe('a script that runs', () => {
  const runIn = async (kind: JobKind, changes: Partial<JobScriptView> = {}) => {
    const script = await renderJobScript(kind, { ...view, ...changes });
    const env = { PATH: process.env.PATH, NODE_OPTIONS: '--bogus' };
    const { status, stdout, stderr } = spawnSync('bash', ['-s'], { cwd: directory, input: script, env });
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };

  beforeEach(async () => {
    await writeFile(join(directory, 'id'), `${view.runId}\n`);
  });

  test.each([
    ['task', 'task 2 1'],
    ['finish', 'finish 2'],
  ] as const)('starts the worker with what %s needs, in a clean environment', async (kind, words) => {
    const node = join(directory, "no'de $(touch pwned)\n#SBATCH --partition=x");
    const worker = join(directory, '"wor ker"');
    await writeFile(node, '#!/bin/bash\necho "$NODE_OPTIONS"\numask\nprintf "%s\\n" "$@"\n');
    await chmod(node, 0o755);
    await writeFile(worker, '');
    const ended = await runIn(kind, { node, worker });
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toBe(`\n0077\n${worker}\n${words.replaceAll(' ', '\n')}\n`);
    expect(ended.status).toBe(0);
  });

  test('stops where it does not stand in its run directory', async () => {
    await writeFile(join(directory, 'id'), 'another\n');
    const ended = await runIn('task');
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe(
      `bcopy: cannot work on ${hostname()}: ${directory} is not the directory of run ${view.runId}\n` +
        'hint: is the file system of the run directory mounted on this node?\n',
    );
  });

  test('stops where the directory has no id at all', async () => {
    await rm(join(directory, 'id'));
    expect(await runIn('finish')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not the directory'),
    });
  });

  test.each(['/nowhere/node', '/', '/etc/passwd'])('stops where %s is no node program', async (node) => {
    const ended = await runIn('task', { node });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain(
      `bcopy: cannot work on ${hostname()}: ${node} cannot be executed on this node\n`,
    );
  });

  test('stops where the worker cannot be read', async () => {
    const ended = await runIn('finish', { node: process.execPath, worker: '/nowhere/main.js' });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain('/nowhere/main.js cannot be read on this node\n');
  });
});

describe('a template of the site', () => {
  const good = '#!/bin/sh\nexec {{sh node}} {{sh worker}} task {{attempt}} {{array}} # {{runId}}\n';
  const file = () => join(directory, 'task.sbatch.hbs');
  const renderWith = async (text: string) => {
    await writeFile(file(), text);
    return renderJobScript('task', view, directory);
  };
  const refusalOf = async (text: string): Promise<BcopyError> =>
    renderWith(text).then(
      (script) => expect.fail(`not refused: ${script}`),
      (error: BcopyError) => error,
    );

  test('replaces ours, and only the one that is there', async () => {
    expect(await renderWith(good)).toBe(
      `#!/bin/sh\nexec '/opt/node 20/bin/node' '/opt/it'\\''s here/$(touch pwned)/main.js' task 2 1 # ${view.runId}\n`,
    );
    expect(await renderJobScript('finish', view, directory)).toBe(await renderJobScript('finish', view));
  });

  test('may use if and unless', async () => {
    expect(await renderWith(`${good}{{#if version}}# {{version}}{{else}}-{{/if}}\n`)).toContain(
      '\n# 1.2.3\n',
    );
  });

  test.each([
    [good.replace('{{sh node}}', 'node'), 'it lacks {{node}}'],
    [good.replace('{{array}}', '').replace('{{runId}}', '{{! runId }}'), 'it lacks {{runId}} and {{array}}'],
    ['#!/bin/sh\n', 'it lacks {{runId}} and {{attempt}} and {{array}} and {{node}} and {{worker}}'],
    [`${good}\r\n`, 'it holds carriage returns'],
    [`\n${good}`, 'the script does not begin with #!'],
    [`${good}{{sh}}`, 'it cannot be rendered'],
    [`${good}{{sh undefined}}`, 'it cannot be rendered'],
    [`${good}{{sh node worker}}`, 'it cannot be rendered'],
    [`${good}{{#if`, 'it is no valid template'],
    [`${good}{{#if node}}`, 'it is no valid template'],
  ])('that is no good is refused: %j', async (text, why) => {
    const error = await refusalOf(text);
    expect(error.message).toBe(`cannot use the template ${file()}: ${why}`);
    expect(error.exitCode).toBe(2);
  });

  test.each([
    ['{{user}}', 'user'],
    ['{{sh source}}', 'source'],
    ['{{#if maybe}}x{{/if}}', 'maybe'],
    ['{{#if node}}{{other}}{{/if}}', 'other'],
    ['{{#if node}}{{else}}{{other}}{{/if}}', 'other'],
    ['{{sh (lookup this "x")}}', 'lookup'],
    ['{{sh node extra=hash}}', 'hash'],
    ['{{this.constructor}}', 'this.constructor'],
    ['{{@root}}', '@root'],
    ['{{> partial}}', 'partial'],
  ])('with the name in %s, which bcopy does not know, is refused', async (text, name) => {
    const error = await refusalOf(`${good}${text}`);
    expect(error.message).toBe(`cannot use the template ${file()}: line 3: there is no name ${name}`);
  });

  test('that cannot be found is refused', async () => {
    const messageFor = (path: string) =>
      renderJobScript('task', view, path).catch((error: BcopyError) => `${error.exitCode} ${error.message}`);
    expect(await messageFor('/nowhere')).toBe('2 cannot use the template /nowhere: ENOENT');
    const empty = join(directory, 'empty');
    await mkdir(empty);
    expect(await messageFor(empty)).toBe(
      `2 cannot use the template ${empty}: it has neither task.sbatch.hbs nor finish.sbatch.hbs`,
    );
  });
});

test('the version is that of package.json', async () => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  expect(packagePaths().version).toBe(JSON.parse(text).version);
  expect(packagePaths().templates).toBe(join(import.meta.dirname, '../../../templates'));
});
