#!/bin/sh
# Succeeds while the cluster's lock is free and was free at the last call; starts no process.
# usage: lock-unchanged HOLDER
if [ -e "$1" ]; then lock_taken=yes; return 1; fi
[ -n "${lock_taken-}" ] || return 0
lock_taken=
return 1
