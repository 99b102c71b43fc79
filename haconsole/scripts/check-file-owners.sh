#!/bin/sh
# Fails if one of the files exists without the mark; prints each of them.
# usage: check-file-owners MARK FILE...
mark=$1; shift
for file in "$@"; do
  [ ! -e "$file" ] || head -n 2 -- "$file" | grep -qxF -- "$mark" || echo "$file"
done | { lines=$(cat); [ -z "$lines" ] || { printf '%s\n' "$lines" >&2; exit 1; }; }
