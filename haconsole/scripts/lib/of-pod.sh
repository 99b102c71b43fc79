#!/bin/sh
# of_pod FOLDER: whether the process of that /proc folder belongs to an ordinary pod. Such a program is not the host's:
# meshes, gateways and nested clusters run etcd and API servers in pods. A static pod's UID has no dashes.
of_pod() { grep -qsE 'pod[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_]' "$1/cgroup"; }
