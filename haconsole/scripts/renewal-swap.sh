#!/bin/sh
# Moves a new certificate and key into place and keeps backups of the current ones. One process renames both, so
# that a server which reads them at each handshake sees an unmatched pair for microseconds at most.
# usage: renewal-swap FOLDER BACKUP_SUFFIX OWNER CERTIFICATE KEY
stage=$1 end=$2 owner=$3 cert=$4 key=$5; folder=${cert%/*}
[ -d "$stage" ] || { echo "there is no $stage" >&2; exit 1; }
for path in "$cert" "$key"; do
  aside=$folder/.${path##*/}.$end
  if [ -f "$path" ]; then
    cp -p -- "$path" "$aside" && chmod 600 -- "$aside" || exit 1
    echo "wrote $path; the previous file is $aside"
  fi
done
new_cert=$stage/${cert##*/} new_key=$stage/${key##*/}
chmod 600 -- "$new_key" && chmod 644 -- "$new_cert" && chown -- "$owner" "$new_key" "$new_cert" || exit 1
sync -- "$new_key" "$new_cert"
mv -f -t "$folder" -- "$new_cert" "$new_key" && rmdir -- "$stage"
