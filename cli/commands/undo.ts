import { meaningOf } from '../../core/model/advice.ts';
import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import { trashDirectory } from '../../core/model/removal.ts';
import { formatCount, formatCounted } from '../../core/model/units.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
import { type Undone, undoTrash } from '../../core/storage/posix/undo-trash.ts';
import type { UndoOptions } from '../job-options.ts';
import { type FoundRun, findRunOfJob } from '../steps/find-run.ts';
import { refuseBusy } from '../steps/refuse-busy.ts';
import type { CommandContext } from './context.ts';

/** So many things that stay in the trash are listed. */
const listedAtMost = 1000;

/** `bcopy undo JOBID`: what the run has put into its trash goes back to its place. May be repeated. */
export async function undo({ job }: UndoOptions, context: CommandContext): Promise<number> {
  const run = await findRunOfJob(job, context.environment);
  await refuseBusy(run, context, 'undo');
  const undone = bringBack(run);
  const { path } = run.info.destination;
  if (undone === undefined || undone.names + undone.kept.length === 0) {
    context.stdout.write(`Nothing of job ${job} is in the trash of ${quoteName(path)}.\n`);
    return exitCodes.done;
  }
  context.stdout.write(
    `${formatCounted(undone.names, 'name is', 'names are')} back in ${quoteName(path)}.\n`,
  );
  if (undone.kept.length === 0) return exitCodes.done;
  context.stderr.write(tellKept(undone, run));
  return exitCodes.incomplete;
}

function bringBack({ info }: FoundRun): Undone | undefined {
  try {
    return undoTrash(info.destination, info.id);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const { path } = info.destination;
    throw new BcopyError(
      'destinationUnwritable',
      `cannot bring anything back to ${quoteName(path)}: ${error.action}: ${meaningOf(error.cause)}`,
    );
  }
}

function tellKept({ kept }: Undone, { info }: FoundRun): string {
  const lines = kept.slice(0, listedAtMost).map(({ path, cause, action }) => {
    const why = cause === 'EEXIST' ? 'something else is in its place' : `${action}: ${meaningOf(cause)}`;
    return `bcopy: ${quoteName(path)} stays in the trash: ${why}\n`;
  });
  const more = kept.length - lines.length;
  if (more > 0) lines.push(`bcopy: and ${formatCount(more)} more\n`);
  return `${lines.join('')}hint: they are in ${quoteName(`${info.destination.path}/${trashDirectory}/${info.id}`)}\n`;
}
