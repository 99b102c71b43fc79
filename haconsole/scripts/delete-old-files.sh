#!/bin/sh
# Deletes files that did not change since they were listed; an absent one is done. Of a folder, whose path ends with a
# slash, the files that are not newer than its newest one was; snapshots and journals in it stay.
# usage: delete-old-files delete|check [SECONDS BYTES PATH]...
# check fails while one of these files exists
set -e
mode=$1; shift
files_of() {
  find "$1" -maxdepth 1 -type f ! -name '*.db' ! -name '*.journal' ! -newermt "@$(($2 + 1))" "$3"
}
while [ $# -ge 3 ]; do
  case $mode:$3 in
    check:*/) [ ! -d "$3" ] || ! files_of "$3" "$1" -print | grep -q . || { echo "$3 still has files" >&2; exit 1; } ;;
    check:*) [ ! -e "$3" ] || { echo "$3 still exists" >&2; exit 1; } ;;
    *:*/) [ ! -d "$3" ] || files_of "$3" "$1" -delete ;;
    *)
      if [ -e "$3" ]; then
        [ ! -L "$3" ] || { echo "$3 is a link" >&2; exit 1; }
        [ "$(stat -c '%Y %s' -- "$3")" = "$1 $2" ] || { echo "$3 has changed since it was listed" >&2; exit 1; }
        rm -- "$3"
      fi ;;
  esac
  shift 3
done
