#!/bin/bash
# Copies a directory, stays until the end, and says what to do when something is missing.
# usage: copy-and-wait.sh SOURCE DESTINATION
set -u

if [ $# != 2 ]; then
  printf 'usage: %s SOURCE DESTINATION\n' "${0##*/}" >&2
  exit 2
fi

bcopy -s "$1" -d "$2" --wait
code=$?

case $code in
  0) printf '%s holds all of %s\n' "$2" "$1" ;;
  3) printf 'something is missing; JOBID.err says what and why, and --retry copies it\n' >&2 ;;
  130) printf 'nobody waits any more; the copy goes on\n' >&2 ;;
  *) printf 'bcopy has said above why it could not begin or go on\n' >&2 ;;
esac
exit "$code"
