#!/bin/sh
# of_pod FOLDER: whether the process of that /proc folder belongs to an ordinary pod. Such a program is not the host's:
# meshes, gateways and nested clusters run etcd and API servers in pods. A static pod's UID has no dashes.
of_pod() {
  while read -r group; do
    # shellcheck disable=SC2254  # the digits are a pattern
    case $group in *pod${four}${four}[-_]${four}[-_]${four}[-_]*) return 0 ;; esac
  done 2>/dev/null <"$1/cgroup"
  return 1
}
four='[0-9a-f][0-9a-f][0-9a-f][0-9a-f]'
