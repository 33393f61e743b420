#!/bin/bash
# Copies a directory with SLURM, and submits a job of yours that starts when all of it is there.
# usage: chain-a-job.sh SOURCE DESTINATION SCRIPT [ARGUMENT...]
set -eu

if [ $# -lt 3 ]; then
  printf 'usage: %s SOURCE DESTINATION SCRIPT [ARGUMENT...]\n' "${0##*/}" >&2
  exit 2
fi

copy=$(bcopy -s "$1" -d "$2" --scheduler slurm --parsable)

# The announced job is the array. Large files get their names, and hard links are made, in the job after it, finish:
# wait for that one.
finish=$(bcopy status "$copy" --json | sed -n 's/.*"finish":"\([0-9]*\)".*/\1/p')

# Finish ends with 0 only when everything is at the destination. When it does not, your job is cancelled.
shift 2
job=$(sbatch --parsable --dependency="afterok:$finish" --kill-on-invalid-dep=yes "$@")
printf 'job %s starts when job %s has copied everything\n' "$job" "$copy"
