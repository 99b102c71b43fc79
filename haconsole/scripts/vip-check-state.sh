#!/bin/sh
# Fails unless the latest state of each VRRP instance in keepalived's journal is one of STATES.
# usage: vip-check-state 'STATE|STATE' INSTANCE...
state=$1; shift
for name in "$@"; do
  journalctl -q --no-pager -o cat -r _SYSTEMD_UNIT=keepalived.service |
    grep -m 1 -E "\($name\) (Entering|Now in) [A-Z]+ (STATE|state)" | grep -qE " ($state) " ||
    { echo "$name has not entered $state here" >&2; exit 1; }
done
