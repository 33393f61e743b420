import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import * as z from 'zod/mini';
import { BcopyError } from '../model/errors.ts';

/** The format of everything in a run directory; a reader refuses a newer one. */
export const format = 1;

/** Writes a file that is written once: complete and on disk under its name, or not there at all. Mode 0600. */
export async function writeOnce(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await rename(temporary, file);
  } catch (error) {
    // What is half written would take the little room that is left
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory for this user only, in one that is there; what has its name already is left as it is. Node's own way of making
 * several at once says ENOENT where there is no room for another name.
 */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Puts a file in the place of whatever has its name, complete or not at all, in a directory where others may write too: nothing
 * that they have put there is followed or written to. Without a mode it has that of a new file.
 */
export async function replaceFile(file: string, text: string, mode?: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, newFile, mode ?? 0o666);
  try {
    await handle.writeFile(text);
    if (mode !== undefined) await handle.chmod(mode);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

export async function writeJsonOnce(file: string, value: object): Promise<void> {
  await writeOnce(file, `${JSON.stringify({ format, ...value }, null, 1)}\n`);
}

/** A reader is led nowhere else and waits for nobody. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a file of a run for reading; what is not there, or no file, is a `runDamaged` error that names it. */
export function openToRead(file: string): number {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, readFlags);
    if (fstatSync(descriptor).isFile()) return descriptor;
  } catch (error) {
    throw damaged(file, undefined, (error as NodeJS.ErrnoException).code ?? 'unreadable');
  }
  closeSync(descriptor);
  throw damaged(file, undefined, 'it is no file');
}

/** Reads and validates a JSON file; what is missing, torn, wrong or of a newer format is a `runDamaged` error that names the file. */
export async function readJson<T>(file: string, schema: z.ZodMiniType<T>): Promise<T> {
  const text = await readFile(file, { encoding: 'utf8', flag: readFlags as unknown as string }).catch(
    (error: NodeJS.ErrnoException) => {
      throw damaged(file, undefined, error.code ?? error.message);
    },
  );
  return validate(file, undefined, parseJson(file, undefined, text), schema);
}

export function parseJson(file: string, line: number | undefined, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(file, line, (error as Error).message);
  }
}

export function validate<T>(
  file: string,
  line: number | undefined,
  value: unknown,
  schema: z.ZodMiniType<T>,
): T {
  refuseNewer(file, value);
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(file, line, `${issue?.path.join('.') || 'value'}: ${issue?.message ?? 'invalid'}`);
}

export function refuseNewer(file: string, value: unknown): void {
  const theirs = (value as { format?: unknown } | null)?.format;
  if (typeof theirs !== 'number' || theirs === format) return;
  if (theirs < format) throw damaged(file, undefined, `it has format ${theirs}, which there never was`);
  throw new BcopyError(
    'runDamaged',
    `cannot read the run: ${file} has format ${theirs}, this bcopy knows format ${format}`,
    {
      hint: 'use the newer bcopy that made it',
    },
  );
}

export function damaged(file: string, line: number | undefined, why: string): BcopyError {
  const where = line === undefined ? file : `${file} line ${line}`;
  return new BcopyError('runDamaged', `cannot read the run: ${where} is damaged: ${why}`, {
    hint: 'start the copy anew without --retry; what is already there is not copied again',
  });
}

/** True of whatever has the name, and can be reached. */
export function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

export const count = z.number().check(z.int(), z.gte(0));
