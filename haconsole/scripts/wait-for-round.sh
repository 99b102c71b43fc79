#!/bin/sh
# Waits for the next tick on descriptor 9; the ticks that a long round missed are passed over. Without ticks it sleeps.
# After a round that took longer than usual it waits for as long as that took, 30 s at most: a slow host needs its time.
# usage: wait-for-round SECONDS HALF; HALF are half of the seconds, in hundredths of a second as in /proc/uptime
# The variable ticks is empty where there are none.
uptime() { read -r now _ </proc/uptime; now=${now%.*}${now#*.}; }
if [ -n "$ticks" ]; then
  uptime
  took=$((now - ${round_began:-$now}))
  [ "$took" -le 3000 ] || took=3000
  [ "$took" -gt $((2 * $2)) ] || took=$2
  due=$((now + took))
  while [ "$now" -lt "$due" ]; do
    read -r _ <&9 || { ticks=; break; }
    uptime
  done
  round_began=$now
fi
[ -n "$ticks" ] || sleep "$1"
