#!/bin/sh
# read_lock FOLDER HEARTBEAT sets token (empty if the lock is free), facts, up, age and held; print_lock prints them.
read_lock() {
  token=; facts=; beat_token=; beat_at=
  read -r up rest </proc/uptime; up=${up%%.*}
  [ -e "$1/holder" ] || return 0
  { read -r token; read -r facts; } <"$1/holder"
  { read -r beat_token beat_at <"$2"; } 2>/dev/null
  if [ "$beat_token" = "$token" ]; then age=$((up - beat_at)); else
    read -r stat </proc/1/stat; stat=${stat##*) }
    age=$((up - $(echo "$stat" | cut -d' ' -f20) / $(getconf CLK_TCK 2>/dev/null || echo 100)))
  fi
  held=$(($(date +%s) - $(stat -c %Y -- "$1/holder" 2>/dev/null || date +%s)))
}
print_lock() {
  if [ -z "$token" ]; then echo free; else printf '%s %s %s\n%s\n' "$token" "$age" "$held" "$facts"; fi
}
