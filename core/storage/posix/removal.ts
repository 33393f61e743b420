import type { DeleteWord, Extra, Kept } from '../../model/removal.ts';
import { DirectoryStack } from './directory-stack.ts';
import { type ExtrasRequest, PosixExtras, split } from './extras.ts';
import { keepingFacts } from './keeping-facts.ts';
import { EACCES } from './libc.ts';
import { openExistingDirectory } from './open-directory.ts';
import { TreeRemover } from './remove-tree.ts';
import { SystemError } from './system-error.ts';
import { Trash } from './trash.ts';

export type RemovalRequest = ExtrasRequest & { readonly run: string; readonly to: DeleteWord };

/** Takes away from a destination what its source does not have; directories that stay keep their modes and times. */
export class Removal {
  readonly extras: PosixExtras;
  readonly #request: RemovalRequest;
  readonly #directories: DirectoryStack;
  #trash: Trash | undefined;
  #remover: TreeRemover | undefined;

  constructor(request: RemovalRequest) {
    this.#request = request;
    this.extras = new PosixExtras(request);
    this.#directories = new DirectoryStack(this.extras.destinationRoot, openExistingDirectory);
  }

  /** What was taken away, and what stays and why; nothing when the source has it again, or it is gone. */
  remove(extra: Extra): readonly (Extra | Kept)[] {
    try {
      if (!this.extras.isStillExtra(extra)) return [];
      return this.#request.to === 'trash' ? this.#take(extra) : this.#removeForGood(extra);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return [{ path: extra.path, cause: error.cause, action: error.action }];
    }
  }

  close(): void {
    this.#trash?.close();
    this.#remover?.close();
    this.#directories.close();
    this.extras.close();
  }

  #take(extra: Extra): Extra[] {
    this.#trash ??= Trash.make(this.extras.destinationRoot, this.#request.run);
    return this.#trash.take(extra.path) ? [extra] : [];
  }

  #removeForGood(extra: Extra): (Extra | Kept)[] {
    this.#remover ??= new TreeRemover(this.extras.destinationRoot);
    const remover = this.#remover;
    const parent = this.#directories.enter(split(extra.path)[0]);
    let entries = 0;
    let kept: readonly Kept[] = [];
    keepingFacts([parent], () => {
      const removed = remover.remove(extra.path);
      entries += removed.entries;
      kept = removed.kept;
      return kept.some(({ path, cause }) => path === extra.path && cause === 'EACCES') ? EACCES : 0;
    });
    return entries === 0 ? [...kept] : [{ ...extra, entries }, ...kept];
  }
}
