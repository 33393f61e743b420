/** What can be said to a command, before anything is validated: options.ts has the types, rules and defaults. */
export type OptionSpec = {
  /** The long option, and the key in a config file; with BCOPY_ before it, the variable. */
  readonly name: string;
  readonly letter?: string;
  /** `optional`: with a value or, when it has none, as `otherwise`. */
  readonly kind: 'switch' | 'value' | 'list' | 'optional';
  readonly otherwise?: string;
  readonly group: string;
  readonly help: string;
  /** The user's own variable for sbatch, which stands below BCOPY_*. */
  readonly sbatchVariable?: string;
  /** Never taken from the environment or a config file. */
  readonly onlyTyped?: true;
};

const copy = 'Copy:';
const selecting = 'What is copied (see docs/filters.md):';
const keeping = 'What is kept:';
const comparing = 'What is copied again:';
const running = 'Running:';
const slurm = 'SLURM, as for sbatch:';
const site = 'Site:';

export const copyTable = [
  { name: 'source', letter: 's', kind: 'value', group: copy, help: 'the directory to copy', onlyTyped: true },
  {
    name: 'destination',
    letter: 'd',
    kind: 'value',
    group: copy,
    help: 'where its content goes',
    onlyTyped: true,
  },
  {
    name: 'check',
    letter: 'c',
    kind: 'switch',
    group: copy,
    help: 'first see that all can be read; if not, list it and submit nothing',
  },
  {
    name: 'retry',
    kind: 'switch',
    group: copy,
    help: 'submit again what is not there yet of the newest run of this copy',
  },
  {
    name: 'dry-run',
    kind: 'switch',
    group: copy,
    help: 'print the plan, the script and the command; submit nothing',
  },
  {
    name: 'delete',
    kind: 'optional',
    otherwise: 'trash',
    group: copy,
    help: 'then remove at DST what SRC does not have: to a trash, or =now for good',
    onlyTyped: true,
  },
  {
    name: 'max-delete',
    kind: 'value',
    group: copy,
    help: 'entries that may go: a number, or a part of all at DST (default: 10%)',
  },
  {
    name: 'exclude',
    kind: 'list',
    group: selecting,
    help: 'leave out what fits the pattern; of --exclude and --include the first that fits decides',
    onlyTyped: true,
  },
  {
    name: 'include',
    kind: 'list',
    group: selecting,
    help: 'copy what fits the pattern, whatever comes after',
    onlyTyped: true,
  },
  {
    name: 'exclude-from',
    kind: 'list',
    group: selecting,
    help: 'patterns from a file, one in a line; + before one is --include',
    onlyTyped: true,
  },
  {
    name: 'files-from',
    kind: 'value',
    group: selecting,
    help: 'copy only what is listed in a file, one path in a line',
    onlyTyped: true,
  },
  {
    name: 'null',
    kind: 'switch',
    group: selecting,
    help: 'what is listed ends with NUL, not with the line',
    onlyTyped: true,
  },
  {
    name: 'newer',
    kind: 'value',
    group: selecting,
    help: 'only what was written since: 30m, 12h, 7d, 2w ago, or YYYY-MM-DD[THH:MM[:SS]]',
    onlyTyped: true,
  },
  {
    name: 'older',
    kind: 'value',
    group: selecting,
    help: 'only what was not written since then',
    onlyTyped: true,
  },
  {
    name: 'min-size',
    kind: 'value',
    group: selecting,
    help: 'only files of at least so many bytes, as 500K, 20M, 1.5G',
    onlyTyped: true,
  },
  {
    name: 'max-size',
    kind: 'value',
    group: selecting,
    help: 'only files of at most so many bytes',
    onlyTyped: true,
  },
  {
    name: 'one-file-system',
    letter: 'x',
    kind: 'switch',
    group: selecting,
    help: 'leave directories empty that other file systems are mounted on',
    onlyTyped: true,
  },
  {
    name: 'directories-only',
    kind: 'switch',
    group: selecting,
    help: 'copy the skeleton: only directories',
    onlyTyped: true,
  },
  {
    name: 'preserve',
    kind: 'value',
    group: keeping,
    help: 'only these: owner,mode,times,xattr,acl,links (hard links)',
  },
  {
    name: 'no-preserve',
    kind: 'value',
    group: keeping,
    help: 'all of these but some: --no-preserve acl,xattr',
  },
  {
    name: 'require',
    kind: 'value',
    group: keeping,
    help: 'losing these is a failure: owner,xattr,acl,links,device,flags',
  },
  {
    name: 'links',
    kind: 'value',
    group: keeping,
    help: 'symlinks: copy, follow or skip (default: copy)',
  },
  {
    name: 'compare',
    kind: 'value',
    group: comparing,
    help: 'what tells a copy besides size: mtime, tail, checksum; or size alone (default: mtime)',
  },
  {
    name: 'tail-bytes',
    kind: 'value',
    group: comparing,
    help: 'bytes at the end that tail compares (default: 65536)',
  },
  {
    name: 'modify-window',
    kind: 'value',
    group: comparing,
    help: 'seconds by which equal times may differ (default: 0)',
  },
  {
    name: 'update',
    kind: 'switch',
    group: comparing,
    help: 'leave what is newer at the destination as it is',
  },
  {
    name: 'ignore-existing',
    kind: 'switch',
    group: comparing,
    help: 'leave whatever is there as it is, but directories',
  },
  {
    name: 'existing',
    kind: 'switch',
    group: comparing,
    help: 'copy only what is there already: nothing new is made',
  },
  {
    name: 'force',
    kind: 'switch',
    group: running,
    help: 'go on though the destination has too little room: as much is copied as fits',
  },
  { name: 'wait', kind: 'switch', group: running, help: "stay until the end; the exit code is the copy's" },
  {
    name: 'verbose',
    letter: 'v',
    kind: 'switch',
    group: running,
    help: 'tell in JOBID.log how the content of files was copied',
  },
  { name: 'parsable', kind: 'switch', group: running, help: 'print only the job number' },
  {
    name: 'scheduler',
    kind: 'value',
    group: running,
    help: 'slurm or local (default: slurm where sbatch answers, else local)',
  },
  {
    name: 'workers',
    kind: 'value',
    group: running,
    help: 'tasks at once (default: 8, on this machine one for each of its CPUs/--cpus-per-task)',
  },
  {
    name: 'shards',
    kind: 'value',
    group: running,
    help: 'pieces to cut the copy into (default: as the plan needs)',
  },
  {
    name: 'threads',
    kind: 'value',
    group: running,
    help: 'files that each task copies at once (default: as it pays, up to 16)',
  },
  {
    name: 'bwlimit',
    kind: 'value',
    group: running,
    help: 'what each task copies in a second at most, as 500K, 20M, 1.5G',
  },
  {
    name: 'ops-limit',
    kind: 'value',
    group: running,
    help: 'entries that each task handles in a second at most',
  },
  {
    name: 'checkpoint',
    kind: 'value',
    group: running,
    help: 'seconds between two records of what is safely on disk (default: 30)',
  },
  {
    name: 'sync',
    kind: 'value',
    group: running,
    help: 'put on disk: none, at each checkpoint, or each file by itself (default: checkpoint)',
  },
  {
    name: 'tries',
    kind: 'value',
    group: running,
    help: 'how often what fails for a passing cause is tried (default: 4)',
  },
  {
    name: 'max-attempts',
    kind: 'value',
    group: running,
    help: 'how often the copy is submitted, by itself too, until it is whole (default: 10)',
  },
  {
    name: 'no-continue',
    kind: 'switch',
    group: running,
    help: 'submit once; the rest is left to --retry',
  },
  { name: 'cpus-per-task', kind: 'value', group: slurm, help: 'CPUs of each task (default: 2)' },
  {
    name: 'account',
    kind: 'value',
    group: slurm,
    help: 'the account to charge',
    sbatchVariable: 'SBATCH_ACCOUNT',
  },
  {
    name: 'partition',
    kind: 'value',
    group: slurm,
    help: "the queue (default: copy where there is one, else the cluster's)",
    sbatchVariable: 'SBATCH_PARTITION',
  },
  { name: 'qos', kind: 'value', group: slurm, help: 'quality of service', sbatchVariable: 'SBATCH_QOS' },
  {
    name: 'time',
    kind: 'value',
    group: slurm,
    help: 'time limit of each task',
    sbatchVariable: 'SBATCH_TIMELIMIT',
  },
  { name: 'mem', kind: 'value', group: slurm, help: 'memory of each task' },
  {
    name: 'constraint',
    kind: 'value',
    group: slurm,
    help: 'features that the nodes must have',
    sbatchVariable: 'SBATCH_CONSTRAINT',
  },
  {
    name: 'reservation',
    kind: 'value',
    group: slurm,
    help: 'the reservation to run in',
    sbatchVariable: 'SBATCH_RESERVATION',
  },
  { name: 'mail-user', kind: 'value', group: slurm, help: 'who gets mail' },
  { name: 'mail-type', kind: 'value', group: slurm, help: 'about what: END, FAIL, ...' },
  {
    name: 'sbatch-arg',
    kind: 'list',
    group: slurm,
    help: 'any other, as --sbatch-arg=--exclude=n1; may be repeated',
  },
  {
    name: 'templates',
    kind: 'value',
    group: site,
    help: "directory with the site's task.sbatch.hbs, finish.sbatch.hbs",
  },
  {
    name: 'node',
    kind: 'value',
    group: site,
    help: 'the node program on the compute nodes (default: this one)',
  },
  {
    name: 'worker',
    kind: 'value',
    group: site,
    help: "the worker bundle on the compute nodes (default: this package's)",
  },
] as const satisfies readonly OptionSpec[];

export const statusTable = [
  { name: 'json', kind: 'switch', group: 'Status:', help: 'one JSON object per line' },
] as const satisfies readonly OptionSpec[];

export const logsTable = [
  { name: 'shard', kind: 'value', group: 'Logs:', help: 'the log of the task that has this shard' },
  { name: 'err', kind: 'switch', group: 'Logs:', help: 'what went wrong instead: the .err file' },
  { name: 'follow', kind: 'switch', group: 'Logs:', help: 'go on printing until the copy has ended' },
] as const satisfies readonly OptionSpec[];

export const cleanTable = [
  { name: 'dry-run', kind: 'switch', group: 'Clean:', help: 'tell what would be removed; remove nothing' },
] as const satisfies readonly OptionSpec[];

export const removeTable = [
  { name: 'yes', kind: 'switch', group: 'Remove:', help: 'do not ask' },
] as const satisfies readonly OptionSpec[];

const proving = 'Proof:';

const comparisonTable = [
  {
    name: 'compare',
    kind: 'value',
    group: proving,
    help: 'files are the same by size, by size and mtime, or by checksum: read whole (default: checksum)',
  },
  {
    name: 'preserve',
    kind: 'value',
    group: proving,
    help: 'only these are compared: owner,mode,times,xattr,acl,links (hard links)',
  },
  {
    name: 'no-preserve',
    kind: 'value',
    group: proving,
    help: 'all of these but some: --no-preserve owner',
  },
  {
    name: 'modify-window',
    kind: 'value',
    group: proving,
    help: 'seconds by which mtimes may differ that count as the same (default: 0)',
  },
  { name: 'json', kind: 'switch', group: proving, help: 'one JSON object per line' },
  { name: 'threads', kind: 'value', group: proving, help: 'files read at once (default: as many as CPUs)' },
] as const satisfies readonly OptionSpec[];

export const verifyTable = [
  { name: 'source', letter: 's', kind: 'value', group: proving, help: 'the directory that was copied' },
  { name: 'destination', letter: 'd', kind: 'value', group: proving, help: 'what must be like it' },
  ...comparisonTable,
  { name: 'manifest', kind: 'value', group: proving, help: 'compare DIR with this manifest instead' },
  {
    name: 'algorithm',
    kind: 'value',
    group: proving,
    help: 'of a manifest that does not say it: xxh3, blake3, sha256, sha1, md5 (default: by its digits, xxh3 or sha256)',
  },
  { name: 'strict', kind: 'switch', group: proving, help: 'a file that the manifest lacks is a difference' },
] as const satisfies readonly OptionSpec[];

export const compareTable = [
  ...comparisonTable,
  {
    name: 'only',
    kind: 'value',
    group: proving,
    help: 'only differences of these kinds, as missing,size,content',
  },
  {
    name: 'list',
    kind: 'value',
    group: proving,
    help: 'print the paths: files, as --files-from takes them, or tar, as tar -T does; without --only what B lacks or has otherwise',
  },
  { name: 'null', kind: 'switch', group: proving, help: 'end each path of a list with a zero byte' },
] as const satisfies readonly OptionSpec[];

export const manifestTable = [
  {
    name: 'algorithm',
    kind: 'value',
    group: proving,
    help: 'xxh3, blake3, sha256, sha1 or md5 (default: xxh3, of 128 bits)',
  },
  {
    name: 'output',
    letter: 'o',
    kind: 'value',
    group: proving,
    help: 'write it to this file, whole or not at all (default: print it)',
  },
  { name: 'threads', kind: 'value', group: proving, help: 'files read at once (default: as many as CPUs)' },
] as const satisfies readonly OptionSpec[];

export type CommandName =
  | 'copy'
  | 'status'
  | 'logs'
  | 'cancel'
  | 'clean'
  | 'undo'
  | 'remove'
  | 'verify'
  | 'manifest'
  | 'compare';

export const optionTables: Readonly<Record<CommandName, readonly OptionSpec[]>> = {
  copy: copyTable,
  status: statusTable,
  logs: logsTable,
  cancel: [],
  clean: cleanTable,
  undo: [],
  remove: removeTable,
  verify: verifyTable,
  manifest: manifestTable,
  compare: compareTable,
};

/** BCOPY_CPUS_PER_TASK for cpus-per-task. */
export function variableOf(name: string): string {
  return `BCOPY_${name.toUpperCase().replaceAll('-', '_')}`;
}
