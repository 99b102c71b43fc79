#!/bin/sh
# Lets sshd open more sessions on one connection, by a file of haconsole's own that sshd reads before other drop-ins.
# usage: ssh-sessions MODE COUNT
# MODE is few (fails where sshd allows COUNT sessions), enough (fails where it does not), allow, undo, or undone (fails
# while the file exists)
# sshd -t must accept the configuration before a reload; a reload keeps all connections.
set -e
mode=$1 count=$2
folder=${HACONSOLE_ROOT:-}/etc/ssh/sshd_config.d file=00-haconsole.conf
PATH=$PATH:/usr/sbin:/sbin
allowed() { sshd -T | awk '$1 == "maxsessions" { print $2 }'; }
reload() { sshd -t && { systemctl reload ssh 2>/dev/null || systemctl reload sshd; }; }
case $mode in
  few) now=$(allowed); [ "$now" -lt "$count" ] || { echo "sshd allows $now sessions" >&2; exit 1; } ;;
  enough) now=$(allowed); [ "$now" -ge "$count" ] || { echo "sshd allows $now sessions" >&2; exit 1; } ;;
  allow)
    [ -d "$folder" ] || { echo "sshd has no folder $folder: set MaxSessions in sshd_config by hand" >&2; exit 1; }
    printf '# Written by haconsole: its queries share one connection.\nMaxSessions %s\n' "$count" >"$folder/$file"
    now=$(allowed) || now=0
    if [ "$now" -lt "$count" ] || ! reload; then
      rm -f "$folder/$file"
      echo "sshd does not use the file: set MaxSessions in sshd_config by hand" >&2
      exit 1
    fi ;;
  undo) rm -f "$folder/$file"; reload ;;
  undone) [ ! -e "$folder/$file" ] ;;
esac
