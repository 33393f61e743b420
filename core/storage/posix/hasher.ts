import { createHash } from 'node:crypto';
import { createBLAKE3, createXXHash128 } from 'hash-wasm';
import type { Algorithm } from '../../model/algorithm.ts';

/** Takes the content of one file after another. */
export type Hasher = {
  begin(): void;
  add(bytes: Uint8Array): void;
  /** In hexadecimal digits. */
  end(): string;
};

/** A hasher for this thread; its memory is used again. */
export async function makeHasher(algorithm: Algorithm): Promise<Hasher> {
  if (algorithm === 'xxh3' || algorithm === 'blake3') {
    const hash = await (algorithm === 'xxh3' ? createXXHash128() : createBLAKE3());
    return {
      begin: () => void hash.init(),
      add: (bytes) => void hash.update(bytes),
      end: () => hash.digest('hex'),
    };
  }
  let hash = createHash(algorithm);
  return {
    begin: () => {
      hash = createHash(algorithm);
    },
    add: (bytes) => void hash.update(bytes),
    end: () => hash.digest('hex'),
  };
}
