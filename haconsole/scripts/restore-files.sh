#!/bin/sh
# Restores files from the backups that a step made, and keeps what the step wrote.
# usage: restore-files FILE BACKUP UNDONE SHA256 [FILE BACKUP UNDONE SHA256]...
# UNDONE is where the step's file is kept, SHA256 the step's file: `-` if unknown, `=` if a file without a backup may
# never have been written by the step. If one of the files has a backup, those without one were not the step's.
kept=no
i=0; for word in "$@"; do i=$((i + 1)); [ $((i % 4)) -ne 2 ] || [ ! -e "$word" ] || kept=yes; done
while [ $# -gt 3 ]; do
  path=$1 aside=$2 undone=$3 sum=$4; shift 4
  if [ ! -e "$aside" ] && [ -e "$undone" ]; then continue; fi
  if [ -e "$path" ] && [ "${#sum}" -gt 1 ] && [ "$(sha256sum <"$path" | cut -c1-64)" != "$sum" ]; then
    echo "$path was changed since, and is left as it is"; continue
  fi
  if [ -e "$aside" ]; then
    [ ! -e "$path" ] || cp -a -- "$path" "$undone"
    mv -T -- "$aside" "$path"; echo "$path is what it was before"
  elif [ "$kept" = no ] && [ "$sum" != = ] && [ -e "$path" ]; then
    mv -T -- "$path" "$undone"; echo "$path was not there before; it is $undone now"
  fi
done
