#!/bin/sh
# Makes etcd's account unless it exists, and its data folder with mode 0700.
# usage: make-etcd-user USER FOLDER
getent passwd "$1" >/dev/null ||
  useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
install -d -o "$1" -g "$1" -m 0700 -- "$2"
