#!/bin/sh
# Waits until the server presents the certificate. Never fails; prints which it was.
# usage: wait-served SECONDS ADDRESS:PORT CERTIFICATE
# uses lib/served
end=$(($(date +%s) + $1)); shift
while :; do
  serves "$1" "$2" && { echo "$1 shows the new certificate"; exit 0; }
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 1
done
echo "$1 does not show the new certificate without a restart"
