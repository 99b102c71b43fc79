#!/bin/sh
# Mounts a file system writable again, unless its device reported errors: then the disk comes first.
# usage: remount-writable check|remount MOUNT_POINT
device=$(awk -v at="$2" '$5 == at { for (i = 7; i <= NF; i++) if ($i == "-") found = $(i + 2) } END { print found }' /proc/self/mountinfo)
[ -n "$device" ] || { echo "$2 is no mount point" >&2; exit 1; }
if [ "$1" = check ]; then
  case $device in /dev/*) ;; *) exit 0 ;; esac
  name=$(readlink -f -- "$device")
  name=${name##*/}
  file=/sys/fs/ext4/$name/errors_count count=0
  [ ! -e "$file" ] || read -r count <"$file"
  [ "$count" = 0 ] || { echo "$name has recorded $count errors: check the disk with fsck first" >&2; exit 1; }
  if dmesg 2>/dev/null | grep -E "(I/O error.* ${name}|[(]${name}[)]).*(error|read-only)" >&2; then exit 1; fi
  exit 0
fi
mount -o remount,rw -- "$2" 2>/dev/null || :
[ -w "$2" ] || mount -o remount,bind,rw -- "$2"
