#!/bin/sh
# Makes a new private key in a new folder and prints a certificate request for it.
# usage: renewal-request FOLDER KEY COMMAND... (COMMAND writes KEY)
umask 077; stage=$1 key=$2; shift 2
(umask 022; mkdir -p -- "${stage%/*}") && rm -rf -- "$stage" && mkdir -- "$stage" || exit 1
output=$("$@" 2>&1) || { echo "$output" >&2; exit 1; }
openssl req -new -key "$key" -subj /CN=request
