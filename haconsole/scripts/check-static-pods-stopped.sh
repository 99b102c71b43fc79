#!/bin/sh
# Fails unless the programs of the static pods have ended and their manifests are out of kubelet's folder.
# usage: check-static-pods-stopped NAME PROGRAM MANIFEST [NAME PROGRAM MANIFEST]...
# uses lib/pod-processes
while [ $# -gt 2 ]; do
  [ ! -e "$3" ] || { echo "$3 is there" >&2; exit 1; }
  [ -z "$(pod_process "$1" "$2")" ] || { echo "$1 runs" >&2; exit 1; }
  shift 3
done
