#!/bin/sh
# Connects to each address and port, all at once, and prints how that ended; silence is confirmed by a second attempt.
# usage: peer-ports [ADDRESS PORT]...
# prints: STATE ADDRESS PORT; STATE is open, refused, rejected, silent or unreachable
# rejected: a firewall refuses a port of this host that a process listens on
# shellcheck disable=SC2016  # the inner bash expands it
command -v bash >/dev/null || exit 127
listens() {
  ip -o addr show to "$1" 2>/dev/null | grep -q . || return 1
  if command -v ss >/dev/null; then
    ss -Hltn "sport = :$2" 2>/dev/null | grep -qF -e " $1:$2 " -e " 0.0.0.0:$2 " -e " *:$2 " -e " [::]:$2 "
  else
    listens_in_proc "$1" "$2"
  fi
}
# The tables name addresses by their bytes in the order of the processor, and state 0A is that of a listener (proc(5)).
listens_in_proc() {
  own='-'
  case $1 in
    *.*.*.*) own=$(printf '%s\n' "$1" | {
      IFS=. read -r a b c d
      printf '%02X%02X%02X%02X|%02X%02X%02X%02X' "$d" "$c" "$b" "$a" "$a" "$b" "$c" "$d"
    }) ;;
  esac
  grep -qsE "^ *[0-9]+: (0{8}|0{32}|$own):$(printf '%04X' "$2") [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}
while [ $# -gt 1 ]; do
  (
    for attempt in first second; do
      message=$(timeout 1.3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
      case "$? $message" in
        "0 "*) state=open ;;
        *refused*) if listens "$1" "$2"; then state=rejected; else state=refused; fi ;;
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
