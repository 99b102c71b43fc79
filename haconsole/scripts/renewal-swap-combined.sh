#!/bin/sh
# Puts a new certificate and key into a new file of their own and points the link at it, as kubelet does. Keeps the
# current file and a copy of the link.
# usage: renewal-swap-combined FOLDER BACKUP_SUFFIX OWNER LINK
# FOLDER has the new certificate and key as `certificate` and `key`.
stage=$1 end=$2 owner=$3 link=$4; folder=${link%/*}; name=${link##*/}
[ -d "$stage" ] || { echo "there is no $stage" >&2; exit 1; }
umask 077
new=$folder/${name%-current.pem}-$(date -u +%Y-%m-%d-%H-%M-%S).pem; aside=$folder/.$name.$end
cat -- "$stage/certificate" "$stage/key" >"$new" && chown -- "$owner" "$new" && sync -- "$new" || exit 1
[ -e "$aside" ] || [ ! -e "$link" ] || cp -a -- "$link" "$aside" || exit 1
ln -sf -- "$new" "$link.new" && mv -T -- "$link.new" "$link" || exit 1
rm -rf -- "$stage"
echo "wrote $new, and $link names it; the previous link is $aside"
