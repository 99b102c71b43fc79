#!/bin/sh
# Removes the down file and prints what it contained.
# usage: vip-remove-down-file DOWN_FILE
[ ! -e "$1" ] || { echo "the down file contained: $(head -c 300 -- "$1")"; rm -- "$1"; }
