#!/bin/sh
# Restores the first version of containerd's configuration, and the state of its unit at that time.
# usage: containerd-restore CONFIG BACKUP
active=active enabled=enabled
if [ -e "$2.unit" ]; then read -r active enabled <"$2.unit"; fi
[ "$active" = active ] || systemctl stop containerd.service
[ "$enabled" = enabled ] || systemctl disable --quiet containerd.service
if [ -e "$2" ]; then mv -T -- "$2" "$1"; elif [ -e "$2.absent" ]; then rm -f -- "$1"; fi
[ "$active" != active ] || systemctl restart containerd.service
rm -f -- "$2.absent" "$2.unit"
