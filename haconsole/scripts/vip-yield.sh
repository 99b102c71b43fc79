#!/bin/bash
# Hands the VIPs that are on this host over to a balancer of higher priority, then removes the down file.
# usage: vip-yield PORT DOWN_FILE LINE ADDRESS...
# shellcheck disable=SC2086,SC2016  # $held is a list of addresses; the inner bash expands its script
held=
for vip in "${@:4}"; do ! ip -o address show | grep -qF " $vip/" || held="$held $vip"; done
[ -n "$held" ] || { echo "no VIP is here"; exit 0; }
set -- "$1" "$2" "$3" $held
# uses vip-hand-over
set -- "$file" "$line"
# uses vip-resume
