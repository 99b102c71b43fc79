#!/bin/sh
# Appends the certificates of a file to a CA bundle, unless the bundle has them. Keeps a backup of the bundle.
# usage: ca-add BUNDLE FILE BACKUP_SUFFIX
# uses lib/fingerprints
# uses lib/backup
path=$1 next=$2 end=$3
held=$(prints "$path"); lacks=
for one in $(prints "$next"); do case $held in *"$one"*) ;; *) lacks=1 ;; esac; done
[ -n "$lacks" ] || exit 0
backup "$path"
cp -p -- "$path" "$path.new"; { echo; cat -- "$next"; } >>"$path.new"
place "$path"
