#!/bin/bash
# A copy of some thousand files on this machine, from the command to the proof: `make demo`.
# Works below ./demo, which it removes first. Ends with 0 only when everything is as it should be.
set -euo pipefail

bcopy=$(cd -- "$(dirname -- "$0")/.." && pwd)/dist/js/cli/main.js
unset "${!BCOPY_@}" "${!SBATCH_@}" # nobody's own settings in a demonstration
export BCOPY_CONFIG=/dev/null

bold=''
plain=''
if [ -t 1 ]; then
  bold=$'\e[1m'
  plain=$'\e[0m'
fi

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
show() { # the command as a person would type it, and then the command
  printf '%s$ %s%s\n' "$bold" "${*/#"$bcopy"/bcopy}" "$plain"
  "$@"
}
fail() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# shellcheck disable=SC2016
strange_names=($'two\nlines' $'not utf-8 \xff\xfe' '$(touch pwned) "quotes" * `id`' '-rf')

make_tree() { # directory: 4,000 small files, some larger ones, and what is seldom thought of
  local season part number
  for season in spring summer autumn winter; do
    for part in {0..9}; do
      mkdir -p "$1/$season/part-$part"
      for number in {000..099}; do
        printf 'station %s, measured in %s\n' "$number" "$season" >"$1/$season/part-$part/$number.csv"
      done
    done
  done
  mkdir -p "$1/grids" "$1/an empty directory" "$1/strange names"
  head -c 20000000 /dev/urandom >"$1/grids/large.bin"
  head -c 3000000 /dev/urandom >"$1/grids/medium.bin"
  truncate -s 50M "$1/grids/a hole"
  : >"$1/grids/empty"
  ln "$1/grids/large.bin" "$1/grids/another name of large.bin"
  ln -s ../grids/medium.bin "$1/spring/a symlink"
  ln -s /nowhere "$1/a symlink that leads nowhere"
  for number in {1..4}; do
    echo "$number" >"$1/strange names/${strange_names[number - 1]}"
  done
  chmod 600 "$1/grids/medium.bin"
  chmod 750 "$1/strange names"
  touch -d '2001-02-03 04:05:06.789012345' "$1/grids/empty" "$1/an empty directory"
}

rm -rf demo
mkdir demo
cd demo

title 'A tree'
make_tree source
printf '%s entries, %s\n' "$(find source -printf x | wc -c)" "$(du -sh source | cut -f1)"

title 'Its copy, by this machine'
show "$bcopy" -s source -d copy --scheduler local --wait | tee submitted
job=$(sed -n 's/^Job <\([0-9]*\)> is submitted.*/\1/p' submitted)
rm submitted
[ -n "$job" ] || fail 'no job was announced'

title "What bcopy left here: $job.log, and $job.err, which is empty when all is well"
show cat "$job.log"
[ -f "$job.err" ] || fail "$job.err is missing"
[ ! -s "$job.err" ] || fail "$job.err is not empty"

title 'The same as a question'
show "$bcopy" status "$job"

title 'The two trees'
show diff -r --no-dereference source copy
echo 'diff finds no difference.'
if command -v rsync >/dev/null; then
  show rsync -aHn --delete --itemize-changes source/ copy/ | tee differences
  [ "$(wc -l <differences)" = 1 ] || fail 'rsync finds differences'
  rm differences
  echo 'rsync finds no difference either: modes, times and hard links are equal too.'
fi

title 'Done. Everything is below ./demo; the run directory is ./demo/.bcopy.'
