#!/bin/sh
# Fails unless the last 32 bytes of the snapshot are the SHA-256 of the rest.
# usage: check-snapshot FILE
[ -s "$1" ] || { echo "there is no $1" >&2; exit 1; }
sum=$(tail -c 32 -- "$1" | od -An -vtx1 | tr -d ' \n')
[ "$(head -c -32 -- "$1" | sha256sum | cut -c1-64)" = "$sum" ] || { echo "$1 is damaged" >&2; exit 1; }
