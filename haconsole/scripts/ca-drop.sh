#!/bin/sh
# Replaces a CA bundle and key by the next CA's, and removes the next CA's key and the previous key. Keeps backups.
# NEXT_CERT stays: it shows that the rotation is unfinished.
# usage: ca-drop BUNDLE NEXT_CERT KEY NEXT_KEY PREVIOUS_KEY BACKUP_SUFFIX
# uses lib/backup
cert=$1 next_cert=$2 key=$3 next_key=$4 previous=$5 end=$6
[ -s "$next_cert" ] || { echo "there is no $next_cert" >&2; exit 1; }
if [ -f "$next_key" ]; then
  backup "$key"; umask 077; cat -- "$next_key" >"$key.new"; chmod 600 -- "$key.new"; place "$key"
fi
backup "$cert"; cp -p -- "$cert" "$cert.new"; cat -- "$next_cert" >"$cert.new"; place "$cert"
if [ -f "$previous" ]; then backup "$previous"; rm -f -- "$previous"; fi
rm -f -- "$next_key"
