#!/bin/sh
# Makes each kubeconfig that embeds a CA embed exactly the certificates of a file. Keeps backups; others stay unchanged.
# usage: kubeconfig-sync-ca CA_FILE BACKUP_SUFFIX KUBECONFIG...
ca=$1 end=$2; shift 2
# uses lib/backup
wanted=$(base64 -w0 <"$ca")
for path; do
  [ -f "$path" ] || continue
  grep -q '^[- ]*certificate-authority-data:' -- "$path" || continue
  backup "$path"
  cp -p -- "$path" "$path.new"
  sed "s|^\([- ]*certificate-authority-data:\).*|\1 $wanted|" -- "$path" >"$path.new"
  place "$path"
done
