#!/bin/sh
# Fails if swap is on, or would be on after a reboot.
# usage: check-swap-off
etc=${HACONSOLE_ETC:-/etc} proc=${HACONSOLE_PROC:-/proc}
if [ -r "$proc/swaps" ] && [ "$(wc -l <"$proc/swaps")" -gt 1 ]; then echo "swap is on" >&2; exit 1; fi
if [ -r "$etc/fstab" ] && awk '!/^[ \t]*#/ && $3 == "swap" { found = 1 } END { exit !found }' "$etc/fstab"; then
  echo "$etc/fstab has swap entries" >&2; exit 1
fi
