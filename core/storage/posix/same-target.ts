import { addressOf } from './libc.ts';
import { readlinkatAt, readlinkatAtAsync } from './libc-names.ts';

/** PATH_MAX, and one more to see that it is longer. */
const targetBytes = 4097;
const [target, existing] = [Buffer.allocUnsafeSlow(targetBytes), Buffer.allocUnsafeSlow(targetBytes)];
const [targetAt, existingAt] = [addressOf(target), addressOf(existing)];

/** True when the name at this address is a symlink in both open directories, and leads to the same. */
export function hasSameTarget(source: number, destination: number, name: number): boolean {
  const length = readlinkatAt(source, name, targetAt, targetBytes);
  return (
    length > 0 && isSame(length, readlinkatAt(destination, name, existingAt, targetBytes), target, existing)
  );
}

/** The same without waiting. */
export async function hasSameTargetAsync(
  source: number,
  destination: number,
  name: number,
): Promise<boolean> {
  const [one, other] = [Buffer.allocUnsafeSlow(targetBytes), Buffer.allocUnsafeSlow(targetBytes)];
  const [length, otherLength] = await Promise.all([
    readlinkatAtAsync(source, name, addressOf(one), targetBytes),
    readlinkatAtAsync(destination, name, addressOf(other), targetBytes),
  ]);
  return isSame(length, otherLength, one, other);
}

function isSame(length: number, otherLength: number, one: Buffer, other: Buffer): boolean {
  return length > 0 && length === otherLength && one.compare(other, 0, length, 0, length) === 0;
}
