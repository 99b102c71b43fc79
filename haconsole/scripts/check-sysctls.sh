#!/bin/sh
# Fails unless the kernel settings have these values now.
# usage: check-sysctls NAME=VALUE...
proc=${HACONSOLE_PROC:-/proc} failed=0
for word in "$@"; do
  now=$(cat -- "$proc/sys/$(printf %s "${word%%=*}" | tr . /)" 2>/dev/null) || now=absent
  [ "$now" = "${word#*=}" ] || { echo "${word%%=*} is $now, not ${word#*=}" >&2; failed=1; }
done
exit "$failed"
