#!/bin/sh
# Succeeds while each unit has the process that it had at the last call, in the same state; starts no process.
# usage: units-unchanged UNIT...
# Fails where control groups cannot be read, and every fifth round while a unit has no process: its log may be new.
# Shells read such files by the byte, so the few first lines of a process's status are read, not its long line of figures.
# `round` is the round of the surrounding script; `guarded` is set where this works, `units_before` are the processes.
# shellcheck disable=SC2154,SC2034  # round is set around this script, guarded is read by units
for groups in /sys/fs/cgroup/system.slice /sys/fs/cgroup/systemd/system.slice ''; do
  [ -z "$groups" ] || [ ! -d "$groups" ] || break
done
[ -n "$groups" ] || return 1
guarded=yes units_now='' idle=''
for unit in "$@"; do
  pid='' state=''
  { read -r pid <"$groups/$unit/cgroup.procs"; } 2>/dev/null
  [ -z "$pid" ] || while read -r key state _; do [ "$key" != State: ] || break; done 2>/dev/null <"/proc/$pid/status"
  case $state in [TtDZ]) ;; *) state=R ;; esac
  [ -n "$pid" ] || idle=yes
  units_now="$units_now $pid$state"
done
[ "$units_now" = "${units_before-}" ] || { units_before=$units_now; return 1; }
[ -z "$idle" ] || [ $((${round:-0} % 5)) -ne 0 ]
