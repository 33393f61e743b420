import { readdir, readFile } from 'node:fs/promises';
import Handlebars from 'handlebars';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import { packagePaths } from './package-paths.ts';
import { namesIn } from './template-names.ts';

export type JobKind = 'task' | 'finish';

/** What a template may name; nothing in it comes from the user's trees. */
export type JobScriptView = {
  readonly runId: string;
  readonly attempt: number;
  /** Which of the attempt's arrays; a finish job has none. */
  readonly array?: number;
  /** Absolute paths, as the compute nodes see them. */
  readonly node: string;
  readonly worker: string;
  readonly version: string;
};

const required = {
  task: ['runId', 'attempt', 'array', 'node', 'worker'],
  finish: ['runId', 'attempt', 'node', 'worker'],
} as const;

/**
 * The text of a job's script. A template of the site's in `templateDirectory` replaces ours; one that cannot be
 * read, names what bcopy does not know, or lacks what bcopy needs is a `usage` error that names the file.
 */
export async function renderJobScript(
  kind: JobKind,
  view: JobScriptView,
  templateDirectory?: string,
): Promise<string> {
  const { file, text } = await findTemplate(kind, templateDirectory);
  const program = parse(file, text);
  checkTemplate(kind, file, program);
  const script = render(file, program, viewFor(kind, view));
  if (!script.startsWith('#!')) throw unusable(file, 'the script does not begin with #!');
  if (script.includes('\r'))
    throw unusable(file, 'it holds carriage returns', { hint: 'dos2unix takes them away' });
  return script;
}

/** Tries the templates of a site before anything is done: a `usage` error for one that cannot be used. */
export async function checkTemplates(
  templateDirectory: string,
  view: Pick<JobScriptView, 'node' | 'worker' | 'version'>,
): Promise<void> {
  const trial = { ...view, runId: '20260101-000000-0000', attempt: 1, array: 0 };
  for (const kind of ['task', 'finish'] as const) await renderJobScript(kind, trial, templateDirectory);
}

type Template = { readonly file: string; readonly text: string };

async function findTemplate(kind: JobKind, directory: string | undefined): Promise<Template> {
  const name = `${kind}.sbatch.hbs`;
  const hasOwn = directory !== undefined && (await listTemplates(directory)).includes(name);
  const file = `${hasOwn ? directory : packagePaths().templates}/${name}`;
  try {
    return { file, text: await readFile(Buffer.from(toBytes(file)), 'utf8') };
  } catch (error) {
    throw unusable(file, (error as Error).message);
  }
}

async function listTemplates(directory: string): Promise<string[]> {
  const names = await readdir(Buffer.from(toBytes(directory))).catch((error: NodeJS.ErrnoException) => {
    throw unusable(directory, error.code ?? error.message, { hint: 'templates names a directory' });
  });
  const known = Object.keys(required).map((kind) => `${kind}.sbatch.hbs`);
  if (names.some((name) => known.includes(name))) return names;
  throw unusable(directory, `it has neither ${known.join(' nor ')}`);
}

function checkTemplate(kind: JobKind, file: string, program: hbs.AST.Program): void {
  const names = namesIn(program);
  const known = [...required[kind], 'version', 'sh', 'if', 'unless'];
  for (const [name, line] of names) {
    if (known.includes(name)) continue;
    throw unusable(file, `line ${line}: there is no name ${quoteName(name)}`, {
      hint: `the names are ${known.join(' ')}`,
    });
  }
  const missing = required[kind].filter((name) => !names.has(name));
  if (missing.length === 0) return;
  throw unusable(file, `it lacks ${missing.map((name) => `{{${name}}}`).join(' and ')}`, {
    hint: `begin with a copy of ${packagePaths().templates}/${kind}.sbatch.hbs`,
  });
}

function parse(file: string, text: string): hbs.AST.Program {
  try {
    // Compiled later, which parses no second time
    return Handlebars.parseWithoutProcessing(text);
  } catch (error) {
    throw unusable(file, 'it is no valid template', { theirWords: (error as Error).message });
  }
}

function viewFor(kind: JobKind, { array, ...view }: JobScriptView): object {
  return kind === 'task' && array !== undefined ? { ...view, array } : view;
}

function render(file: string, program: hbs.AST.Program, view: object): string {
  const handlebars = Handlebars.create();
  handlebars.registerHelper('sh', quoteForShell);
  try {
    return handlebars.compile(program, { noEscape: true, strict: true })(view);
  } catch (error) {
    throw unusable(file, 'it cannot be rendered', { theirWords: (error as Error).message });
  }
}

/** One word of a shell, whatever it holds. A value that is missing is refused: strict mode does not see it here. */
function quoteForShell(...values: unknown[]): string {
  const [value, ...more] = values.slice(0, -1);
  if ((typeof value !== 'string' && typeof value !== 'number') || more.length > 0) {
    throw new Error('{{sh NAME}} takes one name that has a value');
  }
  return `'${String(value).replaceAll("'", `'\\''`)}'`;
}

function unusable(
  file: string,
  why: string,
  details: { hint?: string; theirWords?: string } = {},
): BcopyError {
  return new BcopyError('usage', `cannot use the template ${quoteName(file)}: ${why}`, details);
}
