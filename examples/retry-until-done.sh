#!/bin/bash
# Copies a directory, and submits what is missing again until all is there or the attempts are used up. bcopy goes on by
# itself where tasks were cut off; this also tries again what failed, for a source that is still being mended.
# usage: retry-until-done.sh SOURCE DESTINATION [ATTEMPTS]
set -u

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  printf 'usage: %s SOURCE DESTINATION [ATTEMPTS]\n' "${0##*/}" >&2
  exit 2
fi
attempts=${3:-3}

bcopy -s "$1" -d "$2" --wait
code=$?

# Only 3 means that some entries are missing and that another attempt can help
for ((attempt = 2; code == 3 && attempt <= attempts; attempt++)); do
  printf 'attempt %s of %s\n' "$attempt" "$attempts"
  bcopy -s "$1" -d "$2" --wait --retry
  code=$?
done
exit "$code"
