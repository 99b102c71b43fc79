#!/bin/sh
# Fails if a file belongs to somebody else or was changed since haconsole wrote it; prints each of them.
# usage: check-may-write CLUSTER FILE...
# Files of version 0.1 have no checksum and pass: the plan judges them.
# shellcheck disable=SC2016  # dpkg-query expands the format
# uses lib/owner-of
mine=$1; shift
for file in "$@"; do
  case "$(owner_of "$file")" in
    "absent -" | "package -" | "ours $mine" | "unsealed $mine") ;;
    "changed $mine") echo "$file was changed since haconsole wrote it" ;;
    *) echo "$file was not written by haconsole for cluster $mine" ;;
  esac
done | { lines=$(cat); [ -z "$lines" ] || { printf '%s\n' "$lines" >&2; exit 1; }; }
