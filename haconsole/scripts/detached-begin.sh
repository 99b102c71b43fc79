#!/bin/sh
# Makes the folder of a run's commands and prints the host's boot ID. Removes input and output of commands that
# ended more than six days ago; their status is kept.
# usage: detached-begin FOLDER
umask 077
runs() { [ -e "$1/pid" ] && [ ! -e "$1/status" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; }
for old in "${1%/*}"/*/*/; do
  old=${old%/}
  [ -n "$(find "$old" -maxdepth 0 -mtime +6 2>/dev/null)" ] || continue
  runs "$old" || rm -f -- "$old/in" "$old/out" "$old/err"
done
mkdir -p -- "$1" && cat /proc/sys/kernel/random/boot_id
