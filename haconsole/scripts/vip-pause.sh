#!/bin/sh
# Drops packets to the addresses for at most 1.5 s; senders retransmit them. Answers are not affected.
# usage: vip-pause PORT ADDRESS...
port=$1; shift
# uses lib/drop-packets
command -v nft >/dev/null || exit 0
drop haconsole_pause 1500ms "tcp dport $port" "$@"
sleep 0.1
