#!/bin/sh
# Fails if one of the addresses is on this host.
# usage: vip-check-elsewhere ADDRESS...
for vip in "$@"; do ! ip -o address show | grep -qF " $vip/" || { echo "$vip is here" >&2; exit 1; }; done
