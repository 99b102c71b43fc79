#!/bin/sh
# Saves an etcd snapshot and prints its size and SHA-256.
# usage: save-snapshot FILE ETCDCTL ETCDCTL_FLAG...
path=$1 tool=$2; shift 2
[ -x "$tool" ] || tool=$(command -v etcdctl) || { echo "etcdctl is not there: install etcd-client" >&2; exit 1; }
umask 077; mkdir -p -- "${path%/*}"
ETCDCTL_API=3 "$tool" --command-timeout=540s "$@" snapshot save "$path.new" >/dev/null
sync -- "$path.new"; mv -T -- "$path.new" "$path"
echo "$path: $(stat -c %s -- "$path") bytes, SHA-256 $(sha256sum <"$path" | cut -c1-64)"
