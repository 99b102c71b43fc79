#!/bin/sh
# Prints the logs of the containers of this node's static pods: lines from before, also of the container before, then
# new lines as they are written; or only those around a moment. crictl is used where there are no log files.
# usage: container-logs LAST START END POD...
# LAST lines of each container; START and END are seconds since the epoch, 0 to follow
# prints: "POD LINE", LINE as the runtime writes it; "POD ? REASON" where there is no log
# uses lib/pod-processes
last=$1 start=$2 end=$3
shift 3
LC_ALL=C # lengths of texts are bytes
export LC_ALL
root=${HACONSOLE_POD_LOGS:-$(kubelet_setting podLogsDir)}
root=${root:-/var/log/pods}
newline='
'
containers() {
  for folder in "$root"/*_"$1-$node"_*/*/; do [ ! -d "$folder" ] || basename "$folder"; done | sort -u
}
logs() { # POD CONTAINER: its log files, the oldest first
  for log in "$root"/*_"$1-$node"_*/"$2"/[0-9]*.log; do [ ! -f "$log" ] || stat -L -c '%Y %n' "$log"; done 2>/dev/null |
    sort -n | cut -d ' ' -f 2-
}
marked() { sed "s/^/$1 /"; }
print_new() { # POD: the complete lines of $current after $count bytes
  size=$(stat -L -c %s "$current" 2>/dev/null) || return 0
  [ "$size" -ge "$count" ] || count=0
  while [ "$size" -gt "$count" ]; do
    text=$(tail -c "+$((count + 1))" "$current" | head -c 65536; echo .)
    text=${text%.}
    lines=${text%"$newline"*}
    [ "$lines" != "$text" ] || break
    count=$((count + ${#lines} + 1))
    printf '%s\n' "$lines" | marked "$1" || return 1
  done
}
follow() { # POD CONTAINER
  current=$(logs "$1" "$2" | tail -n 1)
  [ -n "$current" ] || return
  before=$(logs "$1" "$2" | tail -n 2 | head -n 1)
  size=$(stat -L -c %s "$current")
  { [ "$before" = "$current" ] || cat "$before"; head -c "$size" "$current"; } 2>/dev/null | tail -n "$last" | marked "$1"
  count=$size
  while sleep 1; do
    print_new "$1" || return
    newest=$(logs "$1" "$2" | tail -n 1)
    [ "$newest" = "$current" ] || [ -z "$newest" ] || { current=$newest count=0; }
  done
}
around() { # POD CONTAINER: the lines of these minutes, by the node's time zone or in UTC
  moment=$start
  minutes=$(while [ "$moment" -lt "$((end + 60))" ]; do
    date -d "@$moment" +%Y-%m-%dT%H:%M
    date -u -d "@$moment" +%Y-%m-%dT%H:%M
    moment=$((moment + 60))
  done | sort -u | tr '\n' '|')
  logs "$1" "$2" | while IFS= read -r log_file; do
    for log in "$log_file".*[0-9] "$log_file"; do
      [ ! -f "$log" ] || grep -hE "(^|\"time\":\")(${minutes%|})" "$log"
    done
  done | tail -n "$last" | marked "$1"
}
by_crictl() { # POD
  id=$(crictl ps -a -q --name "^$1\$" 2>/dev/null | head -n 1)
  if [ -z "$id" ]; then
    echo "$1 ? there is no log of it in $root, and no container of it"
    return
  fi
  if [ "$start" = 0 ]; then set -- "$1" --follow --tail "$last"; else set -- "$1" --since "$(date -u -d "@$start" +%Y-%m-%dT%H:%M:%SZ)"; fi
  pod=$1
  shift
  crictl logs --timestamps "$@" "$id" 2>&1 | while IFS= read -r line; do printf '%s %s\n' "$pod" "$line"; done
}
for pod; do
  if [ -z "$(containers "$pod")" ]; then
    by_crictl "$pod" &
    continue
  fi
  for container in $(containers "$pod"); do
    if [ "$start" = 0 ]; then follow "$pod" "$container" & else around "$pod" "$container"; fi
  done
done
wait
