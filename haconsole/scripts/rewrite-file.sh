#!/bin/sh
# Replaces a file by standard input and keeps its modification time and a backup.
# usage: rewrite-file FILE MODE OWNER; HACONSOLE_ASIDE in the environment is the backup's suffix
path=$1 mode=$2 owner=$3; folder=${path%/*} name=${path##*/}
umask 077; cat >"$path.new"; chmod "$mode" "$path.new"; chown "$owner" "$path.new"
if [ -f "$path" ]; then
  aside=$folder/.$name.$HACONSOLE_ASIDE; [ -e "$aside" ] || cp -a -- "$path" "$aside"
  touch -r "$path" -- "$path.new"
  echo "wrote $path; the previous file is $aside"
fi
sync -- "$path.new"; mv -T -- "$path.new" "$path"
