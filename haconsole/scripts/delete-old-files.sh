#!/bin/sh
# Deletes files that did not change since they were listed; an absent one is done.
# usage: delete-old-files [SECONDS BYTES PATH]...
set -e
while [ $# -ge 3 ]; do
  if [ -e "$3" ]; then
    [ ! -L "$3" ] || { echo "$3 is a link" >&2; exit 1; }
    [ "$(stat -c '%Y %s' -- "$3")" = "$1 $2" ] || { echo "$3 has changed since it was listed" >&2; exit 1; }
    rm -- "$3"
  fi
  shift 3
done
