#!/bin/sh
# Makes a kubeconfig name certificate and key files in place of the embedded pair of its first user. Keeps a backup.
# usage: kubeconfig-use-files KUBECONFIG CERTIFICATE KEY
# uses lib/backup
path=$1
backup "$path"
cp -p -- "$path" "$path.new"
sed -e '0,/^\([- ]*\)client-certificate-data:.*/s||\1client-certificate: '"$2|" \
  -e '0,/^\([- ]*\)client-key-data:.*/s||\1client-key: '"$3|" -- "$path" >"$path.new"
place "$path"
