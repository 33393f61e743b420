import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import { formatBytes, formatCounted } from '../../core/model/units.ts';
import { NewOutput } from '../../core/storage/posix/new-output.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import type { SaveOptions } from '../proof-options.ts';
import { type SavedList, saveList } from '../steps/save-list.ts';
import type { CommandContext } from './context.ts';

const shownAtMost = 100;

/** `bcopy compare DIR --save FILE`: a list of a tree, for a later comparison; whole, or not at all. */
export async function saveListOf(
  { first: directory, save, compare: by, threads }: SaveOptions,
  { stderr, signal }: CommandContext,
): Promise<number> {
  const file = new NewOutput(save);
  try {
    const earlier = identityOf(save);
    const passOver = earlier === undefined ? [file.identity] : [file.identity, earlier];
    const write = (line: string) => file.write(line);
    const saved = await saveList({ directory, by, threads, passOver }, write, signal);
    if (saved.unreadable.length > 0) throw incomplete(saved, directory);
    file.finish();
    const content = by === 'checksum' ? `, ${formatBytes(saved.bytes)} of content` : '';
    stderr.write(`bcopy: ${formatCounted(saved.entries, 'entry', 'entries')}${content}\n`);
    return exitCodes.done;
  } catch (error) {
    file.abandon();
    throw error;
  }
}

function incomplete({ unreadable }: SavedList, directory: string): BcopyError {
  const shown = unreadable.slice(0, shownAtMost).map(({ path, why }) => `${quoteName(path || '.')} (${why})`);
  const count = formatCounted(unreadable.length, 'entry', 'entries');
  return new BcopyError(
    'sourceUnreadable',
    `no list of ${quoteName(directory)} is saved: it would lack ${count}`,
    {
      theirWords: shown.join('\n'),
    },
  );
}
