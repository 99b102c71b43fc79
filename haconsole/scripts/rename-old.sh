#!/bin/sh
# Renames each path that exists to PATH.SUFFIX.
# usage: rename-old SUFFIX PATH...
end=$1; shift
for path in "$@"; do [ ! -e "$path" ] || mv -T -- "$path" "$path.$end"; done
