/** A directory whose line ends with a mark that it is the same: where the mark is on the tape; undefined without one, or when it is to go. */
type Place = { readonly path: string; mark: number | undefined };

/**
 * Knows of the directories that are the same at the destination which of them will be changed by the run: where something is put into
 * them, or made in them. Their marks have to go. Directories come in the order of a walk, each before what is in it.
 */
export class SameDirectories {
  /** The one in force, which comes last, below those that it is in. */
  readonly #along: Place[] = [];
  #touched: number[] = [];

  /** What follows is in this directory. One without a mark may have to be made. */
  enter(path: string, mark: number | undefined): void {
    while (this.#along.length > 0 && !isBelow(path, this.#along.at(-1)!.path)) this.#along.pop();
    if (mark === undefined) this.touch();
    this.#along.push({ path, mark });
  }

  /** Something is left to do in the directory in force. */
  touch(): void {
    const place = this.#along.at(-1);
    if (place?.mark === undefined) return;
    this.#touched.push(place.mark);
    place.mark = undefined;
  }

  /** The marks that have to go, since the last call. */
  take(): readonly number[] {
    const touched = this.#touched;
    if (touched.length > 0) this.#touched = [];
    return touched;
  }
}

function isBelow(path: string, directory: string): boolean {
  if (directory === '') return path !== '';
  return path.length > directory.length && path[directory.length] === '/' && path.startsWith(directory);
}
