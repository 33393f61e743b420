import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a submission ends: as SLURM would have it, late, or with one of SLURM's refusals. */
export type Mood = 'willing' | 'slow' | 'down' | 'full' | 'unsure' | 'refusing';

const script = `#!/bin/bash
# The real sbatch, in the mood that the next line of "moods" says; what is no submission is passed on.
here=$(dirname "$0")/..
real=@REAL@
case " $* " in *" --parsable "*) ;; *) exec "$real" "$@" ;; esac
mood=$(flock "$here/lock" sh -c 'head -n 1 "$0/moods"; sed -i 1d "$0/moods"' "$here")
printf '%s %s\\n' "\${mood:-willing}" "$*" >>"$here/calls"
case $mood in
  slow) sleep 2 ;;
  down) echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1 ;;
  full)
    echo 'sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying' >&2
    echo 'sbatch: error: Batch job submission failed: Resource temporarily unavailable' >&2; exit 1 ;;
  unsure)
    "$real" "$@" >/dev/null 2>&1
    echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
  refusing)
    echo 'sbatch: error: AssocMaxSubmitJobLimit' >&2
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)" >&2
    exit 1 ;;
esac
exec "$real" "$@"
`;

/** An `sbatch` for the beginning of PATH, at the command and on the nodes. */
export class MoodySbatch {
  readonly #directory: string;

  /** The directory must be the user's. */
  constructor(directory: string, real: string) {
    this.#directory = directory;
    mkdirSync(this.path);
    writeFileSync(join(this.path, 'sbatch'), script.replace('@REAL@', real));
    chmodSync(join(this.path, 'sbatch'), 0o755);
    for (const name of ['lock', 'calls']) {
      writeFileSync(join(directory, name), '');
      chmodSync(join(directory, name), 0o666);
    }
    this.setMoods([]);
  }

  get path(): string {
    return join(this.#directory, 'bin');
  }

  /** Of the next submissions, in this order; after them it is willing. */
  setMoods(moods: readonly Mood[]): void {
    writeFileSync(join(this.#directory, 'moods'), moods.map((mood) => `${mood}\n`).join(''));
    chmodSync(join(this.#directory, 'moods'), 0o666);
  }

  /** The moods of the submissions so far. */
  get moods(): string[] {
    const lines = readFileSync(join(this.#directory, 'calls'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => line.split(' ', 1)[0]!);
  }
}
