#!/bin/sh
# Fails unless the server at ADDRESS:PORT presents the certificate.
# usage: check-served ADDRESS:PORT CERTIFICATE
# uses lib/served
serves "$1" "$2" || { echo "at $1 another is shown" >&2; exit 1; }
