// What SLURM's commands say on stderr, and what it means. Pure.

/** The controller did not answer, or not in time: asking again later can help, and the request may have been done. */
export function isBusy(text: string): boolean {
  return busy.test(text);
}

const busy = new RegExp(
  [
    'Socket timed out',
    'Unable to contact slurm controller',
    'Unexpected message received',
    'Zero Bytes were transmitted',
    'Resource temporarily unavailable',
    'Connection refused',
    'Connection reset by peer',
    'Connection timed out',
    'connect failure',
    'slurm temporarily unable',
    'Transport endpoint',
    'Message (receive|send) failure',
    'Insane message length',
    'in standby mode',
    'rate limit exceeded',
  ].join('|'),
  'i',
);

/**
 * The commands are installed, but nobody ever said where a cluster is. A broken configuration, or one that
 * cannot be fetched from a controller that is named, is not this: there is a cluster, and it is down.
 */
export function isUnconfigured(text: string): boolean {
  return /resolve_ctls_from_dns_srv|DNS SRV lookup failed|ClusterName needs to be specified/.test(text);
}

/** Nothing can be asked of this SLURM here and now, whatever is asked. */
export function isUnusable(text: string): boolean {
  return (
    isUnconfigured(text) ||
    /Could not establish a configuration source|Unable to process configuration file|Protocol authentication error|Munge encode failed|error while loading shared libraries/i.test(
      text,
    )
  );
}

/** squeue and scancel of jobs that the controller has forgotten, or that have just ended. */
export function isAboutForgottenJobs(text: string): boolean {
  return /Invalid job id specified|already completing or completed/.test(text);
}

/** What the reader can do about a refusal, when that is known. */
export function hintFor(text: string): string | undefined {
  return hints.find(([pattern]) => pattern.test(text))?.[1];
}

const hints: readonly (readonly [RegExp, string])[] = [
  [/invalid partition/i, "name another with --partition; 'sinfo -s' lists them"],
  [/Invalid account/, "name another with --account; 'sacctmgr show associations user=$USER' lists yours"],
  [/Invalid qos/i, "name another with --qos; 'sacctmgr show associations user=$USER' lists yours"],
  [
    /time limit is invalid|--time specification/,
    'give another --time; \'sinfo -o "%P %l"\' shows the longest',
  ],
  [/SubmitJobLimit|job submit limit/, 'ask for fewer tasks, or wait until other jobs of yours have ended'],
  [/Invalid job array specification/, 'ask for fewer tasks'],
  [
    /Memory specification|node configuration is not available|More processors/,
    'ask for less with --mem or --cpus-per-task',
  ],
  [/Invalid feature/, 'give another --constraint'],
  [/reservation is invalid/i, 'give another --reservation'],
  [/unrecognized option|invalid option/, 'look at the arguments given with --sbatch-arg'],
];
