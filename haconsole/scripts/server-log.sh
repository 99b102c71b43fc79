#!/bin/sh
# Prints the last lines of a component's log of the last two minutes: of its unit, else of its static pod.
# usage: server-log COMPONENT
# prints: JSON of journalctl, or lines as the component wrote them
# With --since, journalctl -n counts from the first line.
since=$(($(date +%s) - 120))
lines=$(timeout 2 journalctl -q --no-pager -o json --output-fields=MESSAGE,PRIORITY --since "@$since" \
  "_SYSTEMD_UNIT=$1.service" 2>/dev/null | tail -n 200)
if [ -n "$lines" ]; then printf '%s\n' "$lines"; exit; fi
for log in /var/log/pods/kube-system_"$1"-*/"$1"/*.log; do
  [ ! -f "$log" ] || stat -c '%Y %n' "$log"
done | sort -rn | sed -n '1s/^[0-9]* //p' | while IFS= read -r log; do
  tail -n 200 "$log" | sed 's/^[^ ]* std[a-z]* [FP] //'
done
