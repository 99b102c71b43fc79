#!/bin/sh
# Fails while the down file contains the line.
# usage: vip-check-resumed DOWN_FILE LINE
! grep -qxF -- "$2" "$1" 2>/dev/null
