import { quoteForShell } from '../../core/model/shell-words.ts';
import { formatBytes, formatCounted } from '../../core/model/units.ts';
import type { CleanedRun } from '../steps/clean-run.ts';
import type { JudgedRun } from '../steps/judge-run.ts';

/** One line for a run that `bcopy clean` removes. */
export function formatCleaned({ id, directory, temporaries }: CleanedRun, isDryRun: boolean): string {
  const verb = isDryRun ? 'would be removed' : 'is removed';
  return `run ${id} ${verb}: ${formatCounted(directory.files, 'file')} in .bcopy, ${sayTemporaries(temporaries)}\n`;
}

function sayTemporaries(temporaries: CleanedRun['temporaries']): string {
  if (temporaries === 'elsewhere')
    return 'its destination is not there any more, so that no temporary files were looked for';
  if (temporaries === 'unknown') return 'it is damaged, so that temporary files could not be looked for';
  const { files, refused } = temporaries;
  const left =
    refused === 0 ? '' : ` (${formatCounted(refused, 'place')} left alone: closed to you, or no file)`;
  return `${formatCounted(files, 'temporary file')} at its destination${left}`;
}

/** One line for a run that stays, and what can be done about it. */
export function formatKept(run: JudgedRun): string {
  return `run ${run.id} stays: ${whyKept(run)}\n`;
}

function whyKept(run: JudgedRun): string {
  const givesUp = `bcopy clean ${run.job ?? run.id} gives it up`;
  if (run.kind === 'busy') return `job ${run.living} is pending or running; bcopy cancel ${run.job} ends it`;
  if (run.kind === 'damaged') return `it is damaged (${run.error.message}); ${givesUp}`;
  if (run.kind !== 'incomplete') return 'it belongs to somebody else';
  const command = [...run.run.info.command, '--retry'].map(quoteForShell).join(' ');
  return `it is not complete: ${command} goes on with it; ${givesUp}`;
}

/** The last line. */
export function formatTotal(cleaned: readonly CleanedRun[], isDryRun: boolean): string {
  if (cleaned.length === 0) return `Nothing ${isDryRun ? 'would be' : 'is'} removed.\n`;
  const freed = cleaned.reduce((sum, run) => sum + bytesOf(run), 0);
  const verb = isDryRun ? 'would be freed' : 'are freed';
  return `${formatCounted(cleaned.length, 'run')}, ${formatBytes(freed)} ${verb}.\n`;
}

function bytesOf({ directory, temporaries }: CleanedRun): number {
  return directory.bytes + (typeof temporaries === 'string' ? 0 : temporaries.bytes);
}
