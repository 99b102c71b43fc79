#!/bin/sh
# Prints the ages in seconds of repeated events that the units logged in the last SECONDS, at most 20 of each kind.
# usage: recent-events SECONDS UNIT...
# prints: "KIND AGE..." with the kinds master, elected, acquired, slow-write
# The lines of one unit are in the journal under its name, whatever the program calls itself.
seconds=$1; shift
now=$(date +%s)
for unit in "$@"; do set -- "$@" "_SYSTEMD_UNIT=$unit"; shift; done
timeout 5 journalctl -q --no-pager -o short-unix --since "@$((now - seconds))" -- "$@" 2>/dev/null | awk -v now="$now" '
  / Entering MASTER STATE/ { kind = "master" }
  / (elected|changed) leader .* at term / { kind = "elected" }
  /successfully acquired lease / { kind = "acquired" }
  /slow fdatasync/ { kind = "slow-write" }
  kind { ages[kind] = ages[kind] " " int(now - $1); kind = "" }
  END {
    for (kind in ages) {
      count = split(ages[kind], each, " ")
      printf "%s", kind
      for (at = count > 20 ? count - 19 : 1; at <= count; at++) printf " %d", each[at] < 0 ? 0 : each[at]
      print ""
    }
  }'
:
