#!/bin/sh
# etcd_tool FOLDER NAME... prints the path of the first of these programs: in the folder, on the PATH, or in an image that
# containerd has unpacked, as on hosts whose etcd is a static pod.
etcd_tool() {
  near=$1; shift
  for name; do
    if [ -x "$near/$name" ]; then echo "$near/$name"; return; fi
    if command -v "$name"; then return; fi
  done
  for name; do
    for path in "${HACONSOLE_CONTAINERD:-/var/lib/containerd}"/io.containerd.snapshotter.v1.*/snapshots/*/fs/usr/local/bin/"$name"; do
      if [ -x "$path" ]; then echo "$path"; return; fi
    done
  done
  return 1
}
