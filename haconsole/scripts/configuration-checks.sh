#!/bin/sh
# Has haproxy and keepalived check their own configuration files; an empty path checks none.
# usage: configuration-checks HAPROXY_FILE KEEPALIVED_FILE
# prints: "PROGRAM valid PATH" or "PROGRAM invalid PATH MESSAGE", for each that is installed and has its file
# keepalived ends with 6 where its only complaint is script_security: it loads such a file.
# ends with 124 if a program does not end in time
late=0
check() {
  program=$1 path=$2; shift 2
  [ -e "$path" ] && command -v "$program" >/dev/null || return 0
  message=$(timeout 10 "$@" 2>&1)
  case $program-$? in *-0 | keepalived-6) state=valid message= ;; *-124) late=124; return 0 ;; *) state=invalid ;; esac
  message=$(printf '%s' "$message" | grep -v '^$' | head -n 3 | tr '\n' ' ')
  printf '%s %s %s %s\n' "$program" "$state" "$path" "$message"
}
[ -z "$1" ] || check haproxy "$1" haproxy -c -q -f "$1"
[ -z "$2" ] || check keepalived "$2" keepalived -t -f "$2"
[ "$late" -eq 0 ] || exit "$late"
