#!/bin/sh
# Removes the programs that prepare-programs installed; those that existed before it are kept.
# usage: remove-programs RECORD
[ -s "$1" ] || exit 0
while read -r path; do rm -f -- "$path"; done <"$1"
rm -f -- "$1"
