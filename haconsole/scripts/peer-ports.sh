#!/bin/sh
# Connects to each address and port, all at once, and prints how that ended within 2 s.
# usage: peer-ports [ADDRESS PORT]...
# prints: "open ADDRESS PORT", "refused ADDRESS PORT", "silent ADDRESS PORT" or "unreachable ADDRESS PORT"
# shellcheck disable=SC2016  # the inner bash expands it
command -v bash >/dev/null || exit 127
while [ $# -gt 1 ]; do
  (
    message=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
    case "$? $message" in
      "0 "*) state=open ;;
      *refused*) state=refused ;;
      124*) state=silent ;;
      *) state=unreachable ;;
    esac
    printf '%s %s %s\n' "$state" "$1" "$2"
  ) &
  shift 2
done
wait
