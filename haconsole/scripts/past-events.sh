#!/bin/sh
# Prints journal entries of the last SECONDS about elections, VRRP states, starts, ends, boots and clock jumps.
# usage: past-events SECONDS LINES UNIT...
# prints: the newest LINES entries, newest first, as journalctl's JSON; "before BOOT_ID" for the last entry before them;
# at the end "end", or "more" where a limit was reached
# A journalctl without pattern matching prints every entry, of which grep then keeps those.
seconds=$1 lines=$2
shift 2
bytes=600000 within=12
pattern='elected leader|changed leader|became leader|lost leader|Entering [A-Z]+ STATE|now returning|slow fdatasync'
pattern="$pattern|request timed out|^Started |^Stopped |Main process exited|OOM killer|Scheduled restart job"
pattern="$pattern|[Oo]ut of memory: Killed|running in system mode|Reached target .*[Ss]hutdown"
pattern="$pattern|Time (has been changed|jumped)|clock was stepped|System clock wrong|System clock time (unset|changed)"
since=$(($(date +%s) - seconds))
units="$*"
set --
for unit in $units; do set -- "$@" "_SYSTEMD_UNIT=$unit"; done
set -- "$@" + _PID=1
for unit in $units shutdown.target; do set -- "$@" "UNIT=$unit"; done
set -- "$@" + _PID=1 MESSAGE_ID=c7a787079b354eaaa9e77b371893cd27 + _TRANSPORT=kernel
set -- "$@" + _SYSTEMD_UNIT=systemd-journald.service _SYSTEMD_UNIT=systemd-timesyncd.service
set -- "$@" _SYSTEMD_UNIT=chrony.service _SYSTEMD_UNIT=chronyd.service
fields=MESSAGE,UNIT,_SYSTEMD_UNIT,_TRANSPORT
entries() {
  timeout "$within" journalctl -q --no-pager -r --since "@$since" -o json --output-fields="$fields" "$@" 2>/dev/null ||
    echo more
}
if journalctl -q --no-pager -n 0 -g x >/dev/null 2>&1; then
  out=$(entries -n "$((lines + 1))" --case-sensitive=yes -g "$pattern" "$@" | head -c "$bytes")
else
  out=$(entries "$@" | grep -E -- "^more$|$(printf '%s' "$pattern" | sed 's/\^/"/g')" | head -n "$((lines + 1))" | head -c "$bytes")
fi
end="end"
case "$out" in *more) end="more" ;; esac
[ "$(printf '%s\n' "$out" | wc -l)" -le "$lines" ] && [ "${#out}" -lt "$bytes" ] || end="more"
printf '%s\n' "$out" | grep '^{' | head -n "$lines"
timeout 5 journalctl -q --no-pager -n 1 -o json --output-fields=_BOOT_ID --until "@$since" 2>/dev/null |
  sed -n 's/.*"_BOOT_ID" *: *"\([0-9a-f]*\)".*/before \1/p'
echo "$end"
