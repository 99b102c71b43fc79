#!/bin/sh
# Fails unless the file system of FOLDER has KIB free, or SKIP_FOLDER exists.
# usage: check-disk-space FOLDER KIB SKIP_FOLDER
[ -d "$3" ] && exit 0
place=$1; while [ ! -e "$place" ]; do place=${place%/*}; place=${place:-/}; done
free=$(df -Pk -- "$place" | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$2" ] || { echo "$((free / 1024)) MiB free, $(($2 / 1024)) MiB wanted" >&2; exit 1; }
