#!/bin/sh
# Removes the down file if it contains the line; a file that a person wrote stays.
# usage: vip-resume DOWN_FILE LINE
! grep -qxF -- "$2" "$1" 2>/dev/null || rm -- "$1"
