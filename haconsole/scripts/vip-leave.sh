#!/bin/sh
# Gives VIPs up by stopping and disabling keepalived.
# usage: vip-leave PORT UNIT ADDRESS... (PORT is haproxy's)
# shellcheck disable=SC2086  # $vips is a list of addresses
port=$1 unit=$2; shift 2
# uses lib/drop-packets

# uses lib/end-connections
trap let_in EXIT
hold_off "$@"
end_connections "$@"
vips=$*; set -- "$unit"
# uses stop-units
gone $vips
