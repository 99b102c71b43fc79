#!/bin/sh
# Fails unless all programs are installed; prints those that are not.
# usage: check-programs PROGRAM...
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin
failed=0
for name in "$@"; do command -v "$name" >/dev/null || { echo "$name is not installed" >&2; failed=1; }; done
exit "$failed"
