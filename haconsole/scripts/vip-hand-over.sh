#!/bin/sh
# Gives VIPs up as vip-give-up does. Each VIP must answer from another host within 10 s; otherwise, and after any
# other failure, the down file is removed.
# usage: vip-hand-over PORT DOWN_FILE LINE ADDRESS...
# shellcheck disable=SC2016  # the inner bash expands it
away=
ended() { let_in; [ -n "$away" ] || rm -f -- "$file"; }
# uses lib/let-vip-go
end=$(($(date +%s) + 10))
for vip in "$@"; do
  until timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$vip" "$port" 2>/dev/null; do
    [ "$(date +%s)" -lt "$end" ] || { echo "nobody else took $vip: it stays here" >&2; exit 1; }
    sleep 0.1
  done
done
away=yes
