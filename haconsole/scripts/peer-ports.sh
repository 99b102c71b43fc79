#!/bin/sh
# Connects to each address and port, all at once, and prints how that ended; silence is confirmed by a second attempt.
# usage: peer-ports [ADDRESS PORT]...
# prints: "open ADDRESS PORT", "refused ADDRESS PORT", "silent ADDRESS PORT" or "unreachable ADDRESS PORT"
# shellcheck disable=SC2016  # the inner bash expands it
command -v bash >/dev/null || exit 127
while [ $# -gt 1 ]; do
  (
    for attempt in first second; do
      message=$(timeout 1.3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
      case "$? $message" in
        "0 "*) state=open ;;
        *refused*) state=refused ;;
        124*) state=silent; [ "$attempt" = second ] || continue ;;
        *) state=unreachable ;;
      esac
      break
    done
    printf '%s %s %s\n' "$state" "$1" "$2"
  ) &
  shift 2
done
wait
