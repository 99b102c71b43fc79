#!/bin/sh
# Fails unless static pods run with their manifests in place, each in another process than the given one and started
# after its files were written, or changed in any way for `changed`.
# usage: check-static-pod FOLDER written|changed [NAME PROGRAM MANIFEST OLD_PID COUNT FILE...]...
# OLD_PID is 0 for any process; COUNT is the number of files.
keep=$1 what=$2; shift 2
# uses lib/pod-processes
started() {
  ticks=$(sed 's/.*) //' "${HACONSOLE_PROC:-/proc}/$1/stat" | cut -d ' ' -f 20)
  awk -v "ticks=$ticks" -v "hz=$(getconf CLK_TCK)" -v "now=$(date +%s.%N)" \
    '{ printf "%.2f\n", now - ($1 - ticks / hz) }' /proc/uptime
}
form=%.9Y; [ "$what" = written ] || form=%.9Z
failed=0
while [ $# -gt 4 ]; do
  name=$1 program=$2 manifest=$3 old=$4 files=$5; shift 5
  problem=
  [ -f "$manifest" ] || problem="$manifest is not there"
  [ ! -e "$keep/${manifest##*/}" ] || problem="an interrupted restart keeps $manifest in $keep"
  process=$(pod_process "$name" "$program")
  if [ -z "$process" ]; then problem=${problem:-$name does not run}
  elif [ "$process" = "$old" ]; then problem=${problem:-$name still runs in process $old}
  fi
  since=; [ -n "$problem" ] || since=$(started "$process") || problem="$name does not run"
  while [ "$files" -gt 0 ]; do
    files=$((files - 1)); at=$(stat -Lc "$form" -- "$1" 2>/dev/null || echo 0)
    [ -n "$problem" ] || awk -v "at=$at" -v "since=$since" 'BEGIN { exit !(at <= since) }' ||
      problem="$name has been running since before $1 was written"
    shift
  done
  [ -z "$problem" ] || { echo "$problem" >&2; failed=1; }
done
[ "$failed" = 0 ]
