#!/bin/sh
# Replaces a file atomically by standard input.
# usage: write-file FILE MODE OWNER SIZE
set -eu
path=$1; mode=$2; owner=$3; size=$4; folder=${path%/*}
umask 022; mkdir -p -- "${folder:-/}"
umask 077; new=$(mktemp -- "$folder/.haconsole.XXXXXXXXXX")
trap 'rm -f -- "$new"' EXIT; trap 'exit 143' HUP INT TERM; trap '' PIPE
cat >"$new"
got=$(stat -c %s -- "$new")
[ "$got" = "$size" ] || { echo "$got of $size bytes arrived" >&2; exit 1; }
chown -- "$owner" "$new"; chmod -- "$mode" "$new"; sync -- "$new"
mv -fT -- "$new" "$path"
trap - EXIT
sync -- "${folder:-/}"
