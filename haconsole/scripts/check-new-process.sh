#!/bin/sh
# Fails unless the unit runs with another main process than the given one.
# usage: check-new-process UNIT PID
now=$(systemctl show -p MainPID --value -- "$1")
[ "$now" != 0 ] && [ "$now" != "$2" ]
