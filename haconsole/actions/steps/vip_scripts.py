"""Scripts that have a balancer give its VIPs up, by the down file that keepalived's check heeds, and stand again.

An address that goes takes the connections to it along without a word, for nothing can be sent from it any more. So
whoever gives a VIP up on purpose ends them before. New ones are held off: their first packet is dropped, and clients
send it again a second later, to the next owner. What is under way may end: a connection is reset once it rests after
the server's last word, which tells its client at once to make another.
"""

from __future__ import annotations

from haconsole.actions.steps.services import STOP

_PUT = r"""
echo "$says" >"$file.new"
mv -T -- "$file.new" "$file"
"""

HOLD_DOWN = f"""
file=$1 says=$2
{_PUT.strip()}
"""
"""Words: the down file, a line for it."""

TAKE_AWAY = r"""
[ ! -e "$1" ] || { echo "it said: $(head -c 300 -- "$1")"; rm -- "$1"; }
"""
"""Word: the down file."""

STAND_AGAIN = r"""
! grep -qxF -- "$2" "$1" 2>/dev/null || rm -- "$1"
"""
"""Words: the down file, the line that it must hold to be taken away: what a person put there stays."""

STANDS_AGAIN = r"""
! grep -qxF -- "$2" "$1" 2>/dev/null
"""
"""Words: the down file, the line that it must not hold."""

ELSEWHERE = r"""
for vip in "$@"; do ! ip -o address show | grep -qF " $vip/" || { echo "$vip is here" >&2; exit 1; }; done
"""
"""Words: addresses that must not be here."""

IN_STATE = r"""
state=$1; shift
for name in "$@"; do
  journalctl -q --no-pager -o cat -r _SYSTEMD_UNIT=keepalived.service |
    grep -m 1 -E "\($name\) (Entering|Now in) [A-Z]+ (STATE|state)" | grep -qE " ($state) " ||
    { echo "$name has not entered $state here" >&2; exit 1; }
done
"""
"""Words: states, parted by bars; VRRP instances."""

_DROPPING = r"""
PATH=$PATH:/usr/sbin:/sbin
drop() {
  table=$1 lasts=$2 what=$3; shift 3
  {
    cat <<END
table inet $table
delete table inet $table
table inet $table {
  set v4 { type ipv4_addr; flags timeout; }
  set v6 { type ipv6_addr; flags timeout; }
  chain input {
    type filter hook input priority -10;
    $what ip daddr @v4 drop
    $what ip6 daddr @v6 drop
  }
}
END
    for vip in "$@"; do
      case $vip in *:*) family=v6 ;; *) family=v4 ;; esac
      echo "add element inet $table $family { $vip timeout $lasts }"
    done
  } | nft -f -
}
"""
"""Has packets to addresses dropped; that ends by itself after the time given, whatever becomes of the script."""

_ENDING = r"""
ms() { echo $(($(date +%s%N) / 1000000)); }
here() { ip -o address show | grep -qF " $1/"; }
at() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

hold_off() {
  command -v nft >/dev/null || { echo "there is no nft here: what is begun in the last moment is cut off"; return 0; }
  drop haconsole_hold 30s "iif != lo tcp dport $port tcp flags & (syn | ack) == syn" "$@"
}
let_in() { ! command -v nft >/dev/null || nft delete table inet haconsole_hold 2>/dev/null || :; }

connections() { ss -Htni state established "src $1" "sport = :$port" "not dst $1"; }
resting() {
  awk '
    /^[^ \t]/ { peer = $4; queued = $1 + $2; next }
    {
      sent = got = 0
      for (i = 1; i <= NF; i++) {
        split($i, told, ":")
        if (told[1] == "lastsnd") sent = told[2]
        if (told[1] == "lastrcv") got = told[2]
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
      connections "$from" | resting | while read -r these; do reset "src $from" "sport = :$port" "( $these )"; done
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
"""
"""`port` is haproxy's. A connection may go on for 1.5 s; it rests when nothing was sent for 700 ms, for a busy client
takes its time between a handshake and its request.

Clients on this very host are not held off: both ends of theirs are reset when the address is gone.
"""

_LETTING_GO = f"{_DROPPING.strip()}\n\n{_ENDING.strip()}"

_LET_GO = f"""
port=$1 file=$2 says=$3; shift 3
{_LETTING_GO}
trap ended EXIT
hold_off "$@"
end_connections "$@"
{_PUT.strip()}
gone "$@"
"""

LEAVE = f"""
port=$1 unit=$2; shift 2
{_LETTING_GO}
trap let_in EXIT
hold_off "$@"
end_connections "$@"
vips=$*; set -- "$unit"
{STOP.strip()}
gone $vips
"""
"""Words: haproxy's port, keepalived's unit, which is stopped for good, addresses that go with it."""

GIVE_UP = f"""
ended() {{ let_in; }}
{_LET_GO.strip()}
"""
"""Words: haproxy's port, the down file, a line for it, addresses to wait for until they are gone from here."""

HAND_OVER = f"""
away=
ended() {{ let_in; [ -n "$away" ] || rm -f -- "$file"; }}
{_LET_GO.strip()}
end=$(($(date +%s) + 10))
for vip in "$@"; do
  until timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$vip" "$port" 2>/dev/null; do
    [ "$(date +%s)" -lt "$end" ] || {{ echo "nobody else took $vip: it stays here" >&2; exit 1; }}
    sleep 0.1
  done
done
away=yes
"""
"""As `GIVE_UP`; each must answer from elsewhere within 10 s.

Else, and however it ends early, the down file is taken away again.
"""

MAKE_WAY = f"""
held=
for vip in "${{@:4}}"; do ! ip -o address show | grep -qF " $vip/" || held="$held $vip"; done
[ -n "$held" ] || {{ echo "no VIP is here"; exit 0; }}
set -- "$1" "$2" "$3" $held
{HAND_OVER.strip()}
set -- "$file" "$says"
{STAND_AGAIN.strip()}
"""
"""Words as for `GIVE_UP`: what is here of the addresses goes to who outranks this host, which stands again then."""

PAUSE = f"""
port=$1; shift
{_DROPPING.strip()}
command -v nft >/dev/null || exit 0
drop haconsole_pause 1500ms "tcp dport $port" "$@"
sleep 0.1
"""
"""Words: haproxy's port, addresses. What is sent to them is dropped, and sent again by its senders; answers go on."""

GO_ON = r"""
PATH=$PATH:/usr/sbin:/sbin
! command -v nft >/dev/null || nft delete table inet haconsole_pause 2>/dev/null || :
"""
"""Ends the pause."""
