#!/bin/sh
# Copies a file to its backup unless that exists, and prints the backup's path.
# usage: keep-backup FILE BACKUP
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
[ -e "$2" ] || cp -a -- "$1" "$2" && echo "$2"
