#!/bin/sh
# Fails if this host's neighbour table leads to another hardware address than the given one; no entry is right too.
# usage: check-neighbour ADDRESS HARDWARE
ip -o neighbour show to "$1" | while read -r _ rest; do
  case $rest in *" lladdr $2"*) continue ;; *" lladdr "*) ;; *) continue ;; esac
  echo "its entry is $rest" >&2
  case $rest in *PERMANENT*) echo "a permanent entry is removed by hand: ip neighbour del $1 dev INTERFACE" >&2 ;; esac
  exit 1
done
