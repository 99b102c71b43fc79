#!/bin/sh
# Restores the first version of containerd's configuration, and restarts containerd if it runs.
# usage: containerd-restore CONFIG BACKUP
if [ -e "$2" ]; then mv -T -- "$2" "$1"; elif [ -e "$2.absent" ]; then rm -f -- "$1"; fi
rm -f -- "$2.absent"
! systemctl is-active --quiet containerd.service || systemctl restart containerd.service
