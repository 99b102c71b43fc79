#!/bin/sh
# Fails unless each file contains exactly one certificate.
# usage: ca-check-single FILE...
for path in "$@"; do
  [ "$(grep -c -e '-----BEGIN' -- "$path")" = 1 ] || { echo "$path holds more than its leaf" >&2; exit 1; }
done
