#!/bin/sh
# Makes an etcd data folder from a snapshot.
# usage: restore-snapshot SNAPSHOT MARK USER DATA_FOLDER PROGRAM_FOLDER RESTORE_FLAG...
# Revisions continue far above the snapshot's where the tool supports it, so that no watcher takes old data for new.
# shellcheck disable=SC2086  # $later is two flags or none
file=$1 mark=$2 user=$3 data=$4 programs=$5; shift 5
# uses lib/etcd-tool
tool=$(etcd_tool "$programs" etcdutl etcdctl) || { echo "etcdctl is not there: install etcd-client" >&2; exit 1; }
later=; ! ETCDCTL_API=3 "$tool" snapshot restore --help 2>&1 | grep -q bump-revision ||
  later="--bump-revision=1000000000 --mark-compacted"
umask 077; new=$data.restoring; rm -rf -- "$new"
ETCDCTL_API=3 "$tool" snapshot restore "$file" $later --data-dir="$new" "$@" >/dev/null
echo "$mark" >"$new/member/restored-from"
chown -R "$user:$user" -- "$new"; sync -- "$new/member"
mkdir -p -- "$data"; mv -T -- "$new/member" "$data/member"; rmdir -- "$new"
echo "restored $file ($(stat -c %s -- "$file") bytes)"
