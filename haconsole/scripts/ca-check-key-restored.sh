#!/bin/sh
# Fails while the previous key's file exists; restoring the key removes it.
# usage: ca-check-key-restored PREVIOUS_KEY
[ ! -e "$1" ] || { echo "$1 is still there" >&2; exit 1; }
