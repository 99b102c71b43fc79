#!/bin/sh
# Sends commands to haproxy's stats socket, as root, and prints the answer.
# usage: haproxy-query SOCKET COMMANDS SECONDS PYTHON PERL
# PYTHON and PERL are programs that send the commands within the seconds; perl starts fastest and needs no timeout.
# fails: 67 haproxy is not installed, 69 no program can connect, 72 haproxy has no such socket, 75 it does not run
socket=$1 commands=$2 within=$3
if [ ! -S "$socket" ]; then
  if pidof haproxy >/dev/null 2>&1; then
    echo "runs without a stats socket at $socket" >&2; exit 72
  fi
  if ! PATH=$PATH:/usr/local/sbin:/usr/sbin command -v haproxy >/dev/null; then
    echo "is not installed" >&2; exit 67
  fi
  echo "does not run: there is no $socket" >&2; exit 75
fi
if command -v perl >/dev/null; then
  perl -e "$5" "$socket" "$within" "$commands"
elif command -v socat >/dev/null; then
  printf '%s\n' "$commands" | timeout "$within" socat "-t$within" - "UNIX-CONNECT:$socket"
elif command -v python3 >/dev/null; then
  timeout "$within" python3 -c "$4" "$socket" "$within" "$commands"
else
  echo "cannot be reached: the host has none of perl, socat, python3" >&2; exit 69
fi
