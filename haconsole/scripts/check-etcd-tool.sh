#!/bin/sh
# Fails unless a program that restores snapshots is on the host.
# usage: check-etcd-tool PROGRAM_FOLDER
# uses lib/etcd-tool
etcd_tool "$1" etcdutl etcdctl >/dev/null || { echo "neither etcdutl nor etcdctl is there: install etcd-client" >&2; exit 1; }
