#!/bin/sh
# Waits for the next tick on descriptor 9; the ticks that a long round missed are passed over. Without ticks it sleeps.
# usage: wait-for-round SECONDS HALF; HALF are half of the seconds, in hundredths of a second as in /proc/uptime
# The variable ticks is empty where there are none.
uptime() { read -r now _ </proc/uptime; now=${now%.*}${now#*.}; }
if [ -n "$ticks" ]; then
  uptime
  due=$((now + $2))
  while [ "$now" -lt "$due" ]; do
    read -r _ <&9 || { ticks=; break; }
    uptime
  done
fi
[ -n "$ticks" ] || sleep "$1"
