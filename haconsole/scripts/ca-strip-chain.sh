#!/bin/sh
# Reduces each file to its first certificate. The time of the file stays, because the leaf is the same: a resumed run
# restarts no process for it.
# usage: ca-strip-chain FILE...
for path in "$@"; do
  [ "$(grep -c -e '-----BEGIN' -- "$path")" -gt 1 ] || continue
  cp -p -- "$path" "$path.new"; sed '/-----END/q' "$path" >"$path.new"; touch -r "$path" -- "$path.new"
  sync -- "$path.new"; mv -T -- "$path.new" "$path"
done
