#!/bin/sh
# Reads, claims, renews or releases the cluster lock's record on this host, and prints it as print_lock does.
# usage: lock FOLDER HEARTBEAT look|claim|renew|release TOKEN CLAIM_JSON "TOKEN:AGE_S..."
# The last argument lists the tokens that may be replaced once their heartbeat is that old.
# uses lib/read-lock
place=$1; beat=$2; verb=$3; mine=$4; claim=$5; over=$6
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 077
[ -d "$place" ] || [ "$verb" = claim ] || { echo free; exit 0; }
mkdir -p -- "$place" || exit 1
exec 9<"$place"
flock -w 4 9 || { echo "another process is at $place" >&2; exit 1; }
read_lock "$place" "$beat"
may_take() {
  [ -n "$token" ] || return 0
  for one in $over; do [ "$token" = "${one%:*}" ] && [ "$age" -ge "${one#*:}" ] && return 0; done
  return 1
}
heart() { printf '%s %12d\n' "$mine" "$up" 1<>"$beat"; }
take() {
  printf '%s\n%s\n' "$mine" "$claim" >"$place/new" && sync -- "$place/new" && heart \
    && mv -fT -- "$place/new" "$place/holder" && sync -- "$place"
}
case $verb in
  claim) if may_take; then take || { rm -f -- "$place/new"; exit 1; }; read_lock "$place" "$beat"; fi ;;
  renew) if [ "$token" = "$mine" ]; then heart || exit 1; age=0; fi ;;
  release) if [ "$token" = "$mine" ]; then rm -f -- "$place/holder" "$beat" || exit 1; token=; fi ;;
esac
print_lock
