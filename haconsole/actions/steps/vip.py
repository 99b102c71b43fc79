"""Scripts that have a balancer give its VIPs up, by the down file that keepalived's check heeds, and stand again."""

from __future__ import annotations

HOLD_DOWN = r"""
file=$1 says=$2; shift 2
begun=$(date +%s%N)
echo "$says" >"$file.new"
mv -T -- "$file.new" "$file"
for vip in "$@"; do
  while ip -o address show | grep -qF " $vip/"; do
    [ $(($(date +%s%N) - begun)) -lt 20000000000 ] || { echo "$vip is still here after 20 s" >&2; exit 1; }
    sleep 0.05
  done
  echo "$vip was given up after $((($(date +%s%N) - begun) / 1000000)) ms"
done
"""
"""Words: the down file, a line for it, and addresses to wait for until they are gone from here."""

TAKE_AWAY = r"""
[ ! -e "$1" ] || { echo "it said: $(head -c 300 -- "$1")"; rm -- "$1"; }
"""
"""Word: the down file."""

HAND_OVER = f"""
port=$1 away=; shift
trap '[ -n "$away" ] || rm -f -- "$file"' EXIT
{HOLD_DOWN.strip()}
end=$(($(date +%s) + 10))
for vip in "$@"; do
  until timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$vip" "$port" 2>/dev/null; do
    [ "$(date +%s)" -lt "$end" ] || {{ echo "nobody else took $vip: it stays here" >&2; exit 1; }}
    sleep 0.1
  done
done
away=yes
"""
"""Words: haproxy's port, the down file, a line for it, addresses.

Each must answer from elsewhere within 10 s; else, and however it ends early, the down file is taken away again.
"""

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
