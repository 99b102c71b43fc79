#!/bin/sh
# Connects to each address and port, all at once, and prints how that ended; silence is confirmed by a second attempt.
# In that one this host's own kernel must still wait for an answer after a second: a host without processor time has
# sent nothing yet. Such an attempt is not printed.
# usage: peer-ports [ADDRESS PORT]...
# prints: STATE ADDRESS PORT; STATE is open, refused, rejected, silent, unreachable, no-route or no-port
# no-route: a route of this host drops all packets to the address; no-port: this host has no local port left
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
# The tables name addresses by their bytes in the order of the processor (proc(5)); here as alternatives.
in_tables() {
  printf '%s\n' "$1" | {
    IFS=. read -r a b c d
    printf '%02X%02X%02X%02X|%02X%02X%02X%02X' "$d" "$c" "$b" "$a" "$a" "$b" "$c" "$d"
  }
}
listens_in_proc() {
  own='-'
  case $1 in *.*.*.*) own=$(in_tables "$1") ;; esac
  grep -qsE "^ *[0-9]+: (0{8}|0{32}|$own):$(printf '%04X' "$2") [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}
waits_for_answer() {
  case $1 in *[!0-9.]*) far='[0-9A-F]+' ;; *) far=$(in_tables "$1") ;; esac
  grep -qsE "^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ ($far):$(printf '%04X' "$2") 02 " /proc/net/tcp /proc/net/tcp6
}
route_drops() {
  case $1 in *:*) family=-6 ;; *) family=-4 ;; esac
  ip "$family" -o route show exact "$1" 2>/dev/null | grep -Eq '^(blackhole|unreachable|prohibit) '
}
connect() { timeout 1.3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1; }
connect_again() {
  connect "$1" "$2" &
  sleep 1
  if waits_for_answer "$1" "$2"; then echo unanswered; fi
  wait $!
}
while [ $# -gt 1 ]; do
  (
    state=silent
    message=$(connect "$1" "$2")
    status=$?
    if [ "$status" -eq 124 ]; then
      message=$(connect_again "$1" "$2")
      status=$?
    fi
    case "$status $message" in
      "0 "*) state=open ;;
      "124 "*unanswered*) ;;
      124*) exit ;;
      *refused*) if listens "$1" "$2"; then state=rejected; else state=refused; fi ;;
      *"assign requested address"*) state=no-port ;;
      *) if route_drops "$1"; then state=no-route; else state=unreachable; fi ;;
    esac
    printf '%s %s %s\n' "$state" "$1" "$2"
  ) &
  shift 2
done
wait
