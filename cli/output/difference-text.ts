import type { Difference } from '../../core/model/difference.ts';
import { quoteName } from '../../core/model/names.ts';
import { formatBytes, formatCounted } from '../../core/model/units.ts';
import type { Compared } from '../../core/storage/posix/compare-trees.ts';

/** `KIND PATH (detail)`, on one line whatever the name is; the trees themselves are `.`. */
export function formatDifference({ kind, path, detail }: Difference): string {
  return `${kind} ${quoteName(path === '' ? '.' : path)}${detail === '' ? '' : ` (${detail})`}\n`;
}

/** The same for programs: a byte of the path that is not UTF-8 is a lone surrogate. */
export function differenceLine({ kind, path, detail }: Difference): string {
  return `${JSON.stringify({ kind, path, detail })}\n`;
}

/** The last line. */
export function formatCompared({ entries, bytes }: Compared, differences: number): string {
  const content = bytes === 0 ? '' : `, ${formatBytes(bytes)} of content`;
  return `${formatCounted(entries, 'entry', 'entries')} compared${content}: ${sayFound(differences)}.\n`;
}

/** The last line after a manifest. */
export function formatFilesCompared(
  { files, bytes }: { files: number; bytes: number },
  differences: number,
): string {
  return `${formatCounted(files, 'file')} compared, ${formatBytes(bytes)} of content: ${sayFound(differences)}.\n`;
}

function sayFound(differences: number): string {
  return differences === 0 ? 'no difference' : formatCounted(differences, 'difference');
}

/** Of what is in a directory that cannot be entered, only the directory is told, once. What has no ordinal is a directory itself. */
export function* onceForDirectory(
  differences: Iterable<Difference & { readonly ordinal?: number | undefined }>,
): Generator<Difference> {
  const told = new Set<string>();
  for (const { ordinal, kind, path, detail } of differences) {
    const isShut = kind === 'unreadable' && /^open .* directory: /.test(detail);
    const directory = ordinal === undefined ? path : path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (isShut && told.has(directory)) continue;
    if (isShut) told.add(directory);
    yield { kind, path: isShut ? directory : path, detail };
  }
}
