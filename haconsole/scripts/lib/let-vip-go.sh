#!/bin/sh
# Ends connections to VIPs, writes the down file and waits until the VIPs are gone. The caller defines ended, which
# runs at exit.
# usage: PORT DOWN_FILE LINE ADDRESS...
port=$1 file=$2 line=$3; shift 3
# uses lib/drop-packets

# uses lib/end-connections
trap ended EXIT
hold_off "$@"
end_connections "$@"
# uses lib/put-down-file
gone "$@"
