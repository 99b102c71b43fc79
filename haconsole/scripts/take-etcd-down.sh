#!/bin/sh
# Stops and disables etcd and renames its data folder, with the time as suffix.
# usage: take-etcd-down UNIT FOLDER
systemctl disable --now "$1"
if [ -d "$2" ]; then mv -T -- "$2" "$2.$(date -u +%Y%m%dT%H%M%SZ)"; fi
