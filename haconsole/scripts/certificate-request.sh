#!/bin/sh
# Makes a private key unless it exists, and prints a certificate request for it.
# usage: certificate-request KEY OWNER COMMAND... (COMMAND writes KEY.new)
umask 077; key=$1; owner=$2; shift 2
(umask 022; mkdir -p -- "${key%/*}") || exit 1
if [ ! -s "$key" ]; then "$@" 2>"$key.err" || { cat "$key.err" >&2; rm -f "$key.err"; exit 1; }; rm -f "$key.err"
  mv -- "$key.new" "$key" || exit 1; fi
chmod 600 -- "$key" && chown -- "$owner" "$key" && openssl req -new -key "$key" -subj /CN=request
