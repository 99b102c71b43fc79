#!/bin/sh
# Waits for the command of folder $d and prints `ended STATUS` or `lost`, then at most $keep bytes of its output;
# of its errors as many to standard error.
tries=0
while [ ! -e "$d/status" ]; do
  if [ -e "$d/pid" ] && ! kill -0 "$(cat "$d/pid")" 2>/dev/null && [ ! -e "$d/status" ]; then break; fi
  if [ ! -e "$d/pid" ] && [ "$tries" -ge 50 ]; then break; fi
  tries=$((tries + 1)); sleep 0.1
done
if [ -e "$d/status" ]; then echo "ended $(cat "$d/status")"; else echo lost; fi
last() {
  if [ "$(wc -c <"$1")" -le "$keep" ]; then cat -- "$1"; else
    tail -c "$keep" -- "$1" | awk 'NR == 1 { cut = $0; next } { print } END { if (NR == 1) print cut }'
  fi
} 2>/dev/null
last "$d/err" >&2
last "$d/out"
exit 0
