#!/bin/sh
# Saves an etcd snapshot and prints its size and SHA-256. Without etcdctl on the host, the one beside a running etcd in
# its container is used.
# usage: save-snapshot FILE ETCDCTL ETCDCTL_FLAG...
path=$1 tool=$2; shift 2
in_container() {
  for process in $(pidof etcd); do
    for program in "/proc/$process/root/usr/local/bin/etcdctl" "/proc/$process/root/usr/bin/etcdctl"; do
      [ ! -x "$program" ] || { echo "$program"; return 0; }
    done
  done
  return 1
}
[ -x "$tool" ] || tool=$(command -v etcdctl) || tool=$(in_container) || { echo "etcdctl is not there: install etcd-client" >&2; exit 1; }
umask 077; mkdir -p -- "${path%/*}"
ETCDCTL_API=3 "$tool" --command-timeout=540s "$@" snapshot save "$path.new" >/dev/null
sync -- "$path.new"; mv -T -- "$path.new" "$path"
echo "$path: $(stat -c %s -- "$path") bytes, SHA-256 $(sha256sum <"$path" | cut -c1-64)"
