#!/bin/sh
# Removes one certificate from a bundle, and the next CA's files. Keeps backups.
# usage: ca-roll-back BUNDLE NEXT_CERT NEXT_KEY SHA256 BACKUP_SUFFIX
# uses lib/fingerprints
# uses lib/backup
cert=$1 next_cert=$2 next_key=$3 goes=$4 end=$5
case $(prints "$cert") in *"$goes"*)
  backup "$cert"; cp -p -- "$cert" "$cert.new"; : >"$cert.new"; block=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in -----BEGIN*) block= ;; esac
    block="$block$line
"
    case $line in -----END*)
      printf %s "$block" >"$cert.one"
      [ "$(prints "$cert.one")" = "$goes" ] || printf %s "$block" >>"$cert.new" ;;
    esac
  done <"$cert"
  rm -f -- "$cert.one"
  [ -s "$cert.new" ] || { echo "nothing would be left in $cert" >&2; exit 1; }
  place "$cert" ;;
esac
for one in "$next_cert" "$next_key"; do [ ! -f "$one" ] || { backup "$one"; rm -f -- "$one"; }; done
