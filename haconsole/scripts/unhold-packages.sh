#!/bin/sh
# Lets upgrades include the recorded packages again.
# usage: unhold-packages TOOL RECORD
[ -s "$2" ] || exit 0
while read -r name; do
  case $1 in apt) apt-mark unhold "$name" ;; *) "$1" -q versionlock delete "$name" ;; esac
done <"$2"
rm -f -- "$2"
