import * as z from 'zod';
import { BcopyError } from '../core/model/errors.ts';
import { quoteName } from '../core/model/names.ts';
import { isRunId } from '../core/run/run-paths.ts';
import type { Flags } from './command-line.ts';
import { countFrom } from './option-rules.ts';

const jobNumber = z.string({ error: 'no job number is given' });
const switchedOff = z.boolean().default(false);

const statusSchema = z.strictObject({ job: jobNumber.exactOptional(), json: switchedOff });
const logsSchema = z.strictObject({
  job: jobNumber,
  shard: countFrom(0).exactOptional(),
  err: switchedOff,
  follow: switchedOff,
});
const cancelSchema = z.strictObject({ job: jobNumber });
const removeSchema = z.strictObject({
  paths: z
    .array(z.string().min(1, { error: 'a path is empty' }), { error: 'no path is given' })
    .min(1, { error: 'no path is given' }),
  yes: switchedOff,
  threads: countFrom(1, 256).exactOptional(),
});
const cleanSchema = z
  .strictObject({ job: jobNumber.exactOptional(), 'dry-run': switchedOff })
  .transform(({ 'dry-run': dryRun, ...job }) => ({ ...job, dryRun }));

/** `job` is a decimal number as people type it; without it, all runs made in this directory are meant. */
export type StatusOptions = z.infer<typeof statusSchema>;
export type LogsOptions = z.infer<typeof logsSchema>;
export type CancelOptions = z.infer<typeof cancelSchema>;
export type UndoOptions = z.infer<typeof cancelSchema>;
export type RemoveOptions = z.infer<typeof removeSchema>;
/** `job` may be a run's id too: a run that was never submitted has no number. */
export type CleanOptions = z.infer<typeof cleanSchema>;

export function readStatusOptions(flags: Flags): StatusOptions {
  return read('status', statusSchema, flags);
}

export function readLogsOptions(flags: Flags): LogsOptions {
  return read('logs', logsSchema, flags);
}

export function readCancelOptions(flags: Flags): CancelOptions {
  return read('cancel', cancelSchema, flags);
}

export function readUndoOptions(flags: Flags): UndoOptions {
  return read('undo', cancelSchema, flags);
}

export function readRemoveOptions(flags: Flags): RemoveOptions {
  return read('remove', removeSchema, flags);
}

export function readCleanOptions(flags: Flags): CleanOptions {
  return read('clean', cleanSchema, flags);
}

function read<T>(command: string, schema: z.ZodType<T>, flags: Flags): T {
  const { job } = flags;
  const isRun = command === 'clean' && isRunId(String(job));
  if (job !== undefined && !isRun && !/^[1-9]\d*$/.test(String(job))) {
    throw unusable(command, `${quoteName(String(job))} is not a job number`);
  }
  const result = schema.safeParse(flags);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = String(issue?.path[0]);
  const value = flags[name];
  const why =
    value === undefined ? issue?.message : `--${name} ${quoteName(String(value))}: ${issue?.message}`;
  throw unusable(command, String(why));
}

function unusable(command: string, why: string): BcopyError {
  const hint =
    command === 'remove'
      ? 'bcopy remove PATH...'
      : 'bcopy status lists the runs made in this directory and their job numbers';
  return new BcopyError('usage', `cannot do bcopy ${command}: ${why}`, { hint });
}
