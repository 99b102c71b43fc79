#!/bin/bash
# Prints an empty line every SECONDS, and starts no process for it: a read that times out is its clock.
# usage: ticker SECONDS
exec 3<> <(:)
while :; do
  read -rt "$1" -u 3
  echo || exit
done
