#!/bin/sh
# Waits for a command that was started before, and prints its result as lib/detached-wait does. Prints `never`
# if it was never started on this boot, `rebooted` if the host was rebooted since.
# usage: detached-pick-up BOOT_ID FOLDER KEEP_BYTES
boot=$1; d=$2; keep=$3
if [ ! -d "$d" ]; then
  if [ "$(cat /proc/sys/kernel/random/boot_id)" = "$boot" ]; then echo never; else echo rebooted; fi
  exit 0
fi
# uses lib/detached-wait
