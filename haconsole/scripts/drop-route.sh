#!/bin/sh
# Removes routes of this host that drop all packets to one address: blackhole, unreachable or prohibit.
# usage: drop-route MODE ADDRESS
# MODE is some (fails without such a route), none (fails with one), remove, or back (adds what remove removed)
mode=$1 address=$2 record="${HACONSOLE_ROOT:-}/run/haconsole.routes-$2"
case $address in *:*) family=-6 ;; *) family=-4 ;; esac
dropping() { ip "$family" -o route show exact "$address" | grep -E '^(blackhole|unreachable|prohibit) '; }
case $mode in
  some) dropping >/dev/null ;;
  none) ! dropping >/dev/null ;;
  remove)
    dropping >"$record"
    while read -r kind _; do ip "$family" route del "$kind" "$address"; done <"$record"
    ;;
  back)
    while read -r kind _; do ip "$family" route add "$kind" "$address"; done <"$record"
    rm -f -- "$record"
    ;;
esac
