#!/bin/sh
# Prints space, inodes and read-only state of the file systems with these paths; for an absent path, of its nearest folder.
# usage: disks PATH...
# prints: each path, the rows of df, "=inodes=", the rows of df -i, "=read-only=", the mount points mounted read-only
for path in "$@"; do
  at=$path
  while [ ! -e "$at" ] && [ "$at" != / ]; do at=${at%/*}; at=${at:-/}; done
  printf '%s\n' "$path"
  set -- "$@" "$at"
  shift
done
timeout 5 df -P -B1 -- "$@" || exit
echo '=inodes='
timeout 5 df -P -i -- "$@" 2>/dev/null
echo '=read-only='
while read -r _ target _ options _; do
  case $options in ro|ro,*) printf '%s\n' "$target" ;; esac
done </proc/self/mounts
