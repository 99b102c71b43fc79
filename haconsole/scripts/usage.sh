#!/bin/sh
# Prints load, memory and the counters of the block device below a folder, with builtins of the shell only.
# usage: usage FOLDER
# prints: "uptime SECONDS", "load AVERAGE", "memory KB", "available KB", "disk NAME OPERATIONS MS"; what is unknown is left out
read -r uptime _ </proc/uptime && printf 'uptime %s\n' "$uptime"
read -r load _ </proc/loadavg && printf 'load %s\n' "$load"
while read -r key value _; do
  case $key in
    MemTotal:) printf 'memory %s\n' "$value" ;;
    MemAvailable:) printf 'available %s\n' "$value"; break ;;
  esac
done </proc/meminfo
number='' longest=''
while read -r _ _ device _ point _; do
  case "$1/" in
    "${point%/}"/*) [ "${#point}" -lt "${#longest}" ] || { longest=$point number=$device; } ;;
  esac
done </proc/self/mountinfo
while read -r major minor name reads _ _ read_ms writes _ _ write_ms _ _ _ discards _ _ discard_ms flushes flush_ms; do
  [ "$major:$minor" = "$number" ] || continue
  printf 'disk %s %s %s\n' "$name" "$((reads + writes + ${discards:-0} + ${flushes:-0}))" \
    "$((read_ms + write_ms + ${discard_ms:-0} + ${flush_ms:-0}))"
done </proc/diskstats
:
