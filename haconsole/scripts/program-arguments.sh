#!/bin/sh
# Prints the arguments of the running process of each program, one a line; nothing of a program that does not run.
# usage: program-arguments PROGRAM...
# prints: "program NAME", then "argument TEXT" for each argument
# shellcheck disable=SC2015  # a process that has ended, and one without arguments, are both passed over
for name in "$@"; do
  for pid in $(pidof "$name"); do
    { words=$(tr '\000' '\n' <"/proc/$pid/cmdline"); } 2>/dev/null && [ -n "$words" ] || continue
    printf 'program %s\n' "$name"
    printf '%s\n' "$words" | sed 's/^/argument /'
    break
  done
done
:
