#!/bin/sh
# Succeeds while the down file exists, or is absent, as it did at the last call; starts no process.
# usage: down-file-unchanged FILE
if [ -e "$1" ]; then down_now=yes; else down_now=no; fi
[ "$down_now" != "${down_before-}" ] || return 0
down_before=$down_now
return 1
