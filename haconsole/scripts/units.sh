#!/bin/sh
# Prints the properties of units, the states of their main processes, and the last log lines of failing units.
# usage: units PROPERTIES UNIT...
# prints: blocks of systemctl show, "=processes=", lines "PID STATE", and "=journal= UNIT" with JSON; then, if a log has
# a port that is in use, "=listeners=" and lines of ss
# A long answer takes several writes, so a log is read every fifth round, unless units-unchanged guards this script.
# shellcheck disable=SC2154  # round is set around this script
# shellcheck disable=SC2046,SC2086  # paths of processes have no blanks
properties=$1; shift
shown=$(timeout 5 systemctl show --no-pager -p "$properties" -- "$@") || exit
printf '%s\n' "$shown"
echo '=processes='
sed -n 's/^\([0-9]*\) (.*) \([A-Za-z]\) .*/\1 \2/p' \
  $(printf '%s\n' "$shown" | sed -n 's,^MainPID=\([1-9][0-9]*\)$,/proc/\1/stat,p') /dev/null 2>/dev/null || :
show_log() {
  [ -n "$unit" ] || return 0
  case "$active/$sub/$result" in
    failed/*|*/auto-restart*|inactive/*/[!s]*) ;;
    active/*|activating/*) [ "$restarts" -gt 0 ] && [ $((up - started)) -lt 120 ] || return 0 ;;
    *) return 0 ;;
  esac
  printf '=journal= %s\n' "$unit"
  timeout 3 journalctl -q --no-pager -o json --output-fields=MESSAGE,PRIORITY -n 400 "_SYSTEMD_UNIT=$unit" 2>/dev/null |
    sed 's/"_[A-Z_]*":"[^",]*",//g' | grep -v '"MESSAGE":"\( \|\\t\|--\|goroutine\|created by\)' | tail -n 20
}
if [ -n "${guarded-}" ] || [ $((${round:-0} % 5)) -eq 0 ]; then
  read -r up _ </proc/uptime; up=${up%%.*}
  unit='' active='' sub='' result='' restarts=0 started=0
  logs=$(while IFS='=' read -r key value; do
    case $key in
      Id) unit=$value ;;
      ActiveState) active=$value ;;
      SubState) sub=$value ;;
      Result) result=$value ;;
      NRestarts) restarts=${value:-0} ;;
      ExecMainStartTimestampMonotonic) started=$((${value:-0} / 1000000)) ;;
      '') show_log; unit='' active='' sub='' result='' restarts=0 started=0 ;;
    esac
  done <<SHOWN
$shown

SHOWN
  )
  printf '%s\n' "$logs"
  case $logs in *[Aa]'ddress already in use'*)
    printf '=listeners=\n'
    ss -Hltnp 2>/dev/null ;;
  esac
fi
