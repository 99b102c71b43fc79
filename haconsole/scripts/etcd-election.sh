#!/bin/sh
# Prints when the leader of TERM was elected, as the log of the etcd on this host has it.
# usage: etcd-election TERM unit|pod NAME
# prints: a time in seconds since 1970, or one of a container's log (RFC 3339); nothing without such an entry
term=$1 kind=$2 name=$3
entries() {
  if [ "$kind" = unit ]; then
    timeout 5 journalctl -q --no-pager -o short-unix --since "@$(($(date +%s) - 300))" "_SYSTEMD_UNIT=$name" 2>/dev/null
    return
  fi
  for log in /var/log/pods/*_"$name"-*_*/*/*.log; do
    [ ! -f "$log" ] || tail -c 262144 "$log"
  done
}
entries | grep -E "(became leader|(elected|changed) leader .*) at term $term([^0-9]|\$)" | sed -n '1s/ .*//p'
