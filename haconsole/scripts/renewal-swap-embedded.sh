#!/bin/sh
# Puts a new certificate and key into a kubeconfig in place of the pair that its first user embeds, and keeps a backup.
# usage: renewal-swap-embedded FOLDER BACKUP_SUFFIX OWNER KUBECONFIG
# FOLDER has the new certificate and key as `certificate` and `key`.
stage=$1 end=$2 owner=$3 path=$4
# uses lib/backup
[ -d "$stage" ] || { echo "there is no $stage" >&2; exit 1; }
for word in client-certificate-data client-key-data; do
  grep -q "^[- ]*$word:" -- "$path" || { echo "$path embeds no $word" >&2; exit 1; }
done
umask 077
base64 -w0 <"$stage/certificate" >"$stage/certificate64" && base64 -w0 <"$stage/key" >"$stage/key64" || exit 1
backup "$path"
awk -v "certificate=$stage/certificate64" -v "key=$stage/key64" '
  BEGIN { getline new["client-certificate-data:"] <certificate; getline new["client-key-data:"] <key }
  match($0, /^[- ]*client-(certificate|key)-data:/) {
    head = substr($0, 1, RLENGTH); word = head; sub(/^[- ]*/, "", word)
    if (word in new) { print head " " new[word]; delete new[word]; next }
  }
  { print }' "$path" >"$path.new" || exit 1
chmod 600 -- "$path.new" && chown -- "$owner" "$path.new" || exit 1
place "$path"
rm -rf -- "$stage"
