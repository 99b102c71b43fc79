#!/bin/sh
# Fails unless each TCP port is free or used by its unit; prints what uses it otherwise.
# usage: check-ports PORT=UNIT...
for want in "$@"; do
  port=${want%%=*} unit=${want#*=}
  held=$(ss -Hltnp "sport = :$port") || exit 1
  [ -n "$held" ] || continue
  for pid in $(printf %s "$held" | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u); do
    grep -q "/$unit" "/proc/$pid/cgroup" || echo "port $port is held by $(cat "/proc/$pid/comm") (process $pid)"
  done
  printf %s "$held" | grep -q pid= || echo "port $port is held by a process that cannot be seen from here"
done | { lines=$(cat); [ -z "$lines" ] || { printf '%s\n' "$lines" >&2; exit 1; }; }
