#!/bin/sh
# Fails for each address and port that does not answer within 3 s. A refused connection is an answer.
# usage: check-reachable ADDRESS PORT NAME [ADDRESS PORT NAME]...
# shellcheck disable=SC2016  # the inner bash expands it
probe() {
  error=$(LC_ALL=C timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
  case "$? $error" in
    "0 "*|*refused*) ;;
    124*) echo "$3 ($1) port $2: no answer in 3 s" ;;
    *) echo "$3 ($1) port $2: $error" ;;
  esac
}
lines=$(while [ $# -gt 2 ]; do probe "$1" "$2" "$3" & shift 3; done; wait)
[ -z "$lines" ] || { printf '%s\n' "$lines" >&2; exit 1; }
