#!/bin/sh
# Restores whether a unit is enabled and running, and the folder under /run that its processes need.
# usage: restore-unit UNIT ENABLED RUNNING RUN_FOLDER
# ENABLED is yes, no, or - where neither applies; RUNNING is yes or no; RUN_FOLDER may be empty. The unit is restarted:
# a reload would keep haproxy's sockets with the mode and owner that the run gave them.
unit=$1 enabled=$2 active=$3 folder=$4
systemctl daemon-reload
case $enabled in yes) systemctl enable --quiet "$unit" ;; no) systemctl disable --quiet "$unit" ;; esac
[ "$active" = yes ] || systemctl stop "$unit"
if [ -n "$folder" ]; then
  systemd-tmpfiles --create --prefix="$folder" || :
  [ "$active" != yes ] || mkdir -p -- "$folder"
fi
[ "$active" != yes ] || systemctl restart "$unit"
