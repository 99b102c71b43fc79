#!/bin/sh
# Fails unless the file was restored; the arguments are those of restore-files.
# usage: check-file-restored FILE BACKUP UNDONE SHA256
path=$1 aside=$2 undone=$3 sum=$4
[ -e "$path" ] || [ -e "$aside" ] || exit 0
if [ "$sum" = = ]; then [ ! -e "$aside" ]
elif [ "$sum" = - ]; then [ -e "$undone" ] && [ ! -e "$aside" ]
else [ "$(sha256sum <"$path" | cut -c1-64)" != "$sum" ]; fi
