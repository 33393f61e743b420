/** How the content of a file changes; tells which states it can ever have been in. */
export type Manner = 'in place' | 'restored' | 'replaced' | 'truncated' | 'appended' | 'deleted';

export const blockBytes = 4096;

/** Says of which version it is, and which block. */
export function block(version: number, index: number): Buffer {
  return Buffer.alloc(blockBytes, `${version}:${index};`.padEnd(16));
}

export function stamped(version: number, blocks: number): Buffer {
  return Buffer.concat(Array.from({ length: blocks }, (_, i) => block(version, i)));
}

/**
 * What is wrong with a content, or undefined when the file was in this state at some moment: blocks are written from the first to
 * the last, so in place a version may follow upon the next, once; all else is of one version, as far as it goes.
 */
export function mixtureIn(content: Buffer, manner: Manner): string | undefined {
  const versions: number[] = [];
  for (let at = 0; at < content.length; at += blockBytes) {
    const found = content.subarray(at, at + blockBytes);
    const version = Number.parseInt(found.toString('latin1', 0, 16), 10);
    const expected = block(version, at / blockBytes).subarray(0, found.length);
    if (!expected.equals(found)) return `block ${at / blockBytes} is torn`;
    if (versions.at(-1) !== version) versions.push(version);
  }
  const [first = 0, second = first - 1, ...more] = versions;
  const isInPlace = manner === 'in place' || manner === 'restored';
  const isState = more.length === 0 && second === first - 1 && (isInPlace || versions.length < 2);
  return isState ? undefined : `versions ${versions.slice(0, 10).join(', ')}`;
}
