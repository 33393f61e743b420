export const copyUsage = `bcopy -s SRC -d DST [-c] [--retry] [options]
bcopy status [JOBID] | logs JOBID | cancel JOBID | clean [JOBID] | undo JOBID
bcopy remove PATH... [--yes]
bcopy verify -s SRC -d DST | verify JOBID | manifest DIR | compare A B

Copies the content of the directory SRC into the directory DST with an array job. \`-s dir/\` and
\`-s dir\` mean the same: the content of dir goes to DST. Of several sources, as -s A -s B, each gets
its name in DST: DST/A, DST/B. A file goes into the directory DST, or else becomes DST.`;
export const statusUsage =
  'bcopy status [JOBID] [--json]\n\nHow far a copy is; without JOBID, the runs made in this directory.';
export const logsUsage =
  'bcopy logs JOBID [--shard N] [--err] [--follow]\n\nPrints the log of a copy, or of one shard.';
export const cancelUsage =
  'bcopy cancel JOBID\n\nEnds a copy. What is copied stays; --retry copies the rest.';
export const cleanUsage = `bcopy clean [JOBID] [--dry-run]

Removes the complete runs made in this directory, and temporary files that their workers left at the
destinations. With JOBID it removes that run, complete or not: then --retry cannot go on with it.
What is copied stays, and so do JOBID.log and JOBID.err.`;

export const undoUsage = `bcopy undo JOBID

Brings back what a copy with --delete has put into the trash of its destination: each thing to its place,
where nothing else has taken that since.`;
export const removeUsage = `bcopy remove PATH... [--yes]

Removes directories and files with all that is in them, after telling how much that is and asking.`;
export const verifyUsage = `bcopy verify -s SRC -d DST [--compare size|mtime|checksum] [--json]
bcopy verify JOBID [--compare size|mtime|checksum] [--json]
bcopy verify --manifest FILE DIR [--algorithm NAME] [--strict] [--json]

Compares two trees, or what a run has copied with its source, or a tree with a manifest of bcopy,
sha256sum, xxhsum and their like, and changes nothing. The content of files is compared whole, and
DST or DIR is read from its disk. Trees and runs are compared by jobs, as a copy is made. A line
for each difference: its kind, the path, details. Exit code 0 when there is none, 4 when there is,
3 when not all could be compared. bcopy -s SRC -d DST --retry then copies what differs.`;
export const compareUsage = `bcopy compare A B [--only KIND,...] [--json | --list files|tar [--null]]
bcopy compare DIR --save FILE

The comparison of bcopy verify -s A -d B, as lists too. What would make B like A:
  bcopy compare A B --list files > list     for --files-from list; with --null for names with newlines
  bcopy compare A B --list tar > list       tar -C A --no-recursion -T list -c ...
  bcopy compare A B --list files --only extra
A or B may be a list that was saved of a directory, or a manifest:
  bcopy compare DIR --save FILE             and later bcopy compare FILE DIR
Kinds: missing, extra, type, size, content, link-target, hard-links, holes, mode, owner, mtime,
xattr, acl, unreadable.
Exit code 0 when there is no difference (of these kinds), else 4.`;
export const manifestUsage = `bcopy manifest DIR [--algorithm xxh3|blake3|sha256|sha1|md5] [-o FILE]

Prints a line for each regular file below DIR, sorted by path: its digest and its path, as
xxhsum -c, b3sum -c, sha256sum -c, sha1sum -c and md5sum -c read it in DIR; bcopy verify --manifest
does, too. Where there is a cluster, tasks hash, and bcopy waits for them.`;

export const copyNotes = `Examples:
  bcopy -s /gws/a/mydir -d /gws/b/dest            submit, and return at once
  bcopy -s /gws/a/mydir -d /gws/b/dest --retry    only what is not there yet
  bcopy -s run7 -s run8 -d /archive               to /archive/run7 and /archive/run8
  bcopy -s run7 -d /archive/run7 -c --wait        see that all can be read, copy, stay until the end
  bcopy -s run7 -d /archive/run7 --dry-run        what would be submitted
  bcopy -s run7 -d /archive/run7 --delete         the same at both ends; bcopy undo takes it back
  bcopy status 8063810
  bcopy logs 8063810 --err

A switch takes =false: --wait=false. Every option but -s and -d can also be a variable
(BCOPY_CPUS_PER_TASK=4) or a line in ~/.config/bcopy/config.yaml or /etc/bcopy/config.yaml
(cpus-per-task: 4); what is typed wins, then the variable, then SBATCH_ACCOUNT and its like.

Exit codes: 0 done  1 bug  2 usage  3 incomplete, a retry can help  4 differences
  5 source unreadable  6 destination unwritable  7 will not fit  10 run not found  11 run busy
  12 run damaged  20 no scheduler  21 refused by the scheduler  130 interrupted`;
