#!/bin/sh
# Restores the previous key, if one was kept, and removes its file. Keeps a backup of the key.
# usage: ca-restore-key KEY PREVIOUS_KEY BACKUP_SUFFIX
# uses lib/backup
key=$1 previous=$2 end=$3
[ -f "$previous" ] || exit 0
backup "$key"; cp -p -- "$key" "$key.new"; cat -- "$previous" >"$key.new"; place "$key"
rm -f -- "$previous"
