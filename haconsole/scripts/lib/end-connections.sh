#!/bin/sh
# Functions that end the connections to VIPs before they leave; $port is haproxy's.
# hold_off ADDRESS... drops the first packet of new connections, let_in ends that.
# end_connections ADDRESS... resets each connection once it is idle (nothing sent for 700 ms), at the latest after 1.5 s.
# gone ADDRESS... waits until the addresses have left this host. Clients on this host are not held off: their
# connections are reset when the address is gone.
ms() { echo $(($(date +%s%N) / 1000000)); }
here() { ip -o address show | grep -qF " $1/"; }
at() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

hold_off() {
  command -v nft >/dev/null || { echo "there is no nft here: what is begun in the last moment is cut off"; return 0; }
  drop haconsole_hold 30s "iif != lo tcp dport $port tcp flags & (syn | ack) == syn" "$@"
}
let_in() { ! command -v nft >/dev/null || nft delete table inet haconsole_hold 2>/dev/null || :; }

connections() { ss -Htni state established "src $1" "sport = :$port" "not dst $1"; }
idle_peers() {
  awk '
    /^[^ \t]/ { peer = $4; queued = $1 + $2; next }
    {
      sent = got = 0
      for (i = 1; i <= NF; i++) {
        split($i, pair, ":")
        if (pair[1] == "lastsnd") sent = pair[2]
        if (pair[1] == "lastrcv") got = pair[2]
      }
      if (queued || sent > got || sent < 700) next
      line = line (line ? " or " : "") "dst " peer
      if (length(line) > 2000) { print line; line = "" }
    }
    END { if (line) print line }'
}
reset() { ss -K -Htn state connected "$@" >/dev/null 2>&1 || :; }
end_connections() {
  limit=$(($(ms) + 1500))
  for vip in "$@"; do
    from=$(at "$vip")
    while [ -n "$(connections "$from")" ]; do
      [ "$(ms)" -lt "$limit" ] || { reset "src $from" "sport = :$port" "not dst $from"; break; }
      connections "$from" | idle_peers | while read -r these; do reset "src $from" "sport = :$port" "( $these )"; done
      sleep 0.05
    done
  done
}

gone() {
  begun=$(ms)
  for vip in "$@"; do
    while here "$vip"; do
      [ $(($(ms) - begun)) -lt 20000 ] || { echo "$vip is still here after 20 s" >&2; exit 1; }
      sleep 0.05
    done
    reset "src $(at "$vip")"
    echo "$vip was given up after $(($(ms) - begun)) ms"
  done
}
