#!/bin/sh
# Stops and disables each unit that exists.
# usage: stop-units UNIT...
for unit in "$@"; do
  [ "$(systemctl show -p LoadState --value -- "$unit")" = not-found ] || systemctl disable --now --quiet "$unit"
done
