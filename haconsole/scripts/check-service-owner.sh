#!/bin/sh
# Fails if the unit runs, its configuration lacks the mark, and the configuration matches the pattern.
# usage: check-service-owner MARK UNIT CONFIGURATION PATTERN
[ -e "$3" ] || exit 0
systemctl is-active --quiet "$2" || exit 0
head -n 2 -- "$3" | grep -qxF -- "$1" && exit 0
! grep -qE "$4" "$3"
