#!/bin/sh
# Replaces a key by the next one and keeps the replaced one for a rollback.
# usage: ca-switch-key KEY NEXT_KEY PREVIOUS_KEY BACKUP_SUFFIX
# uses lib/backup
key=$1 next=$2 previous=$3 end=$4
cmp -s -- "$key" "$next" && exit 0
[ -e "$previous" ] || cp -p -- "$key" "$previous"
backup "$key"
cp -p -- "$key" "$key.new"; cat -- "$next" >"$key.new"
place "$key"
