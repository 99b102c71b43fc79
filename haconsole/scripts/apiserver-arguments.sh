#!/bin/sh
# Prints the arguments of the running kube-apiserver, one a line; nothing where none runs.
# usage: apiserver-arguments
# shellcheck disable=SC2015  # a process that has ended, and one without arguments, are both passed over
for pid in $(pidof kube-apiserver); do
  { words=$(tr '\000' '\n' <"/proc/$pid/cmdline"); } 2>/dev/null && [ -n "$words" ] || continue
  printf '%s\n' "$words"
  break
done
:
