#!/bin/sh
# Starts a command that outlives this connection, or waits for it if it was started before. Reads SIZE bytes of
# input for it. Prints its result as lib/detached-wait does, or `rebooted`, or `elsewhere` after the same step of
# another run has ended.
# usage: detached-start BOOT_ID FOLDER KEEP_BYTES LIMIT_S SIZE COMMAND...
# Folder: in, out, err, pid, status. Making it claims the command.
# shellcheck disable=SC2016  # the inner sh expands it
boot=$1; d=$2; keep=$3; limit=$4; size=$5; shift 5
if [ "$(cat /proc/sys/kernel/random/boot_id)" != "$boot" ]; then echo rebooted; exit 0; fi
umask 077
keeper='d=$1; limit=$2; shift 2; most=1048576; echo $$ >"$d/pid"
  keep() {
    stdbuf -o0 head -c "$most"
    if [ -n "$(head -c 1 | tr "\000" 0)" ]; then echo; echo "(output after $most bytes was dropped)"; fi
    cat >/dev/null
  }
  mkfifo -- "$d/1" "$d/2"
  keep <"$d/1" >"$d/out" 2>/dev/null & one=$!
  keep <"$d/2" >"$d/err" 2>/dev/null & two=$!
  umask 022
  timeout -k 5 "$limit" "$@" <"$d/in" >"$d/1" 2>"$d/2"
  status=$?; tries=0
  while { kill -0 "$one" || kill -0 "$two"; } 2>/dev/null && [ "$tries" -lt 200 ]; do
    tries=$((tries + 1)); sleep 0.01
  done
  rm -f -- "$d/in" "$d/1" "$d/2"
  printf %s "$status" 1<>"$d/status.new"; mv -- "$d/status.new" "$d/status"'
runs() { [ -e "$1/pid" ] && [ ! -e "$1/status" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; }
name=${d##*/}
for other in "${d%/*/*}"/*/"${name%.*}".*; do
  if [ "$other" != "$d" ] && runs "$other"; then
    while runs "$other"; do sleep 0.1; done
    echo elsewhere; exit 0
  fi
done
if mkdir -- "$d" 2>/dev/null; then
  why=$({
    head -c 65536 /dev/zero >"$d/room" && rm -- "$d/room" && echo "   " >"$d/status.new" && cat >"$d/in"
  } 2>&1) || { rm -rf -- "$d"; echo "no room for it in ${d%/*}: $why" >&2; exit 1; }
  if [ "$(wc -c <"$d/in")" -ne "$size" ]; then rm -rf -- "$d"; echo "its input is incomplete" >&2; exit 1; fi
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
    setsid systemd-run --quiet --scope --collect -- sh -c "$keeper" step "$d" "$limit" "$@" </dev/null >/dev/null 2>&1 &
    wait $!
  fi
  if [ ! -e "$d/pid" ]; then
    setsid sh -c "$keeper" step "$d" "$limit" "$@" </dev/null >/dev/null 2>&1 &
    wait $!
  fi
else
  cat >/dev/null
  [ -d "$d" ] || { echo "cannot make $d: $(mkdir -- "$d" 2>&1)" >&2; exit 1; }
fi
# uses lib/detached-wait
