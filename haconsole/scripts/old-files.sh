#!/bin/sh
# Prints archived journals, and all snapshots but the newest, where their file system has less than PERCENT free.
# usage: old-files PERCENT [SNAPSHOT_FOLDER]
# prints: "SECONDS BYTES PATH", the time of the last change first
# shellcheck disable=SC2046  # the two numbers are split on purpose
percent=$1
is_low() {
  [ -d "$1" ] || return 1
  set -- $(stat -f -c '%a %b' -- "$1" 2>/dev/null)
  [ $# -eq 2 ] && [ $(($1 * 100)) -lt $(($2 * percent)) ]
}
for folder in /var/log/journal /run/log/journal; do
  ! is_low "$folder" || stat -c '%Y %s %n' -- "$folder"/*/*@*.journal "$folder"/*/*.journal~ 2>/dev/null
done
if [ -n "${2:-}" ] && is_low "$2"; then
  stat -c '%Y %s %n' -- "$2"/*.db 2>/dev/null | sort -n | sed '$d'
fi
:
