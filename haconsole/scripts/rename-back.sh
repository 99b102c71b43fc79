#!/bin/sh
# Renames each PATH.SUFFIX that exists back to PATH.
# usage: rename-back SUFFIX PATH...
end=$1; shift
for path in "$@"; do [ ! -e "$path.$end" ] || mv -T -- "$path.$end" "$path"; done
