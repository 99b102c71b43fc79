#!/bin/sh
# Fails unless the two key files are equal.
# usage: ca-key-is KEY EXPECTED_KEY
cmp -s -- "$1" "$2" || { echo "$1 is not $2" >&2; exit 1; }
