#!/bin/sh
# Prints the ages in seconds of repeated events in the last SECONDS, at most 20 of each kind.
# usage: recent-events SECONDS UNIT... -- POD...
# prints: "KIND AGE..." with the kinds master, elected, acquired, foreign-advert, slow-write
# ends with 124 if the journal cannot be read in time
# The lines of one unit are in the journal under its name, whatever the program calls itself. Those of a static pod are
# in its newest log file; the UID of a static pod has no dash.
seconds=$1; shift
now=$(date +%s)
units=0
for word in "$@"; do
  shift
  [ "$word" != -- ] || break
  units=$((units + 1))
  set -- "$@" "_SYSTEMD_UNIT=$word"
done
journal() {
  [ "$#" -ne 0 ] || return 0
  timeout 5 journalctl -q --no-pager -o short-unix --since "@$((now - seconds))" -- "$@" 2>/dev/null ||
    { [ "$?" -ne 124 ] || echo late; }
}
# An etcd with --warning-unary-request-duration=0 logs every request, as programs that embed etcd 3.6 do by default. The
# end of its log is then the last seconds only, so grep keeps the lines that awk reads.
events='Entering MASTER STATE|(elected|changed) leader |successfully acquired lease |slow fdatasync|sync duration of '
events="$events|bogus VRRP packet received|associated with VRID|VIPs but received"
pod_log() {
  for log in /var/log/pods/*_"$1"-*_*/*/*.log; do
    uid=${log#/var/log/pods/*_*_}
    case ${uid%%/*} in *-* | '*') ;; *) [ ! -f "$log" ] || stat -c '%Y %n' "$log" ;; esac
  done | sort -rn | sed -n '1s/^[0-9]* //p' | while IFS= read -r log; do grep -aE "$events" "$log" | tail -n 500; done
}
pods=$(($# - units))
{
  at=0
  for word in "$@"; do
    at=$((at + 1))
    [ "$at" -gt "$pods" ] || pod_log "$word"
  done
  [ "$pods" -eq 0 ] || shift "$pods"
  journal "$@"
} | awk -v now="$now" -v most="$seconds" '
  function seconds_of(time,   year, month, days, zone, offset) {
    if (time !~ /^[0-9]+-[0-9]+-[0-9]+T/) return time
    year = substr(time, 1, 4) + 0; month = substr(time, 6, 2) + 0
    if (month < 3) { year--; month += 12 }
    days = 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month - 3) + 2) / 5)
    days += substr(time, 9, 2) - 719469
    zone = substr(time, length(time) - 5)
    if (zone ~ /^[-+]/) {
      offset = substr(zone, 2, 2) * 3600 + substr(zone, 5, 2) * 60
      if (zone ~ /^-/) offset = -offset
    }
    return days * 86400 + substr(time, 12, 2) * 3600 + substr(time, 15, 2) * 60 + substr(time, 18, 2) - offset
  }
  / Entering MASTER STATE/ { kind = "master" }
  /(elected|changed) leader .* at term / { kind = "elected" }
  /successfully acquired lease / { kind = "acquired" }
  /bogus VRRP packet received|associated with VRID|expected [0-9]+ VIPs but received/ { kind = "foreign-advert" }
  /slow fdatasync|sync duration of .* expected less than / { kind = "slow-write" }
  $0 == "late" { status = 124 }
  kind {
    age = int(now - seconds_of($1))
    if (age <= most) ages[kind] = ages[kind] " " (age < 0 ? 0 : age)
    kind = ""
  }
  END {
    for (kind in ages) {
      count = split(ages[kind], each, " ")
      printf "%s", kind
      for (at = count > 20 ? count - 19 : 1; at <= count; at++) printf " %d", each[at]
      print ""
    }
    exit status
  }'
