#!/bin/sh
# Fails unless each leaf verifies with its CA file and nothing else.
# usage: ca-check-leaves CA_FILE LEAF [CA_FILE LEAF]...
while [ $# -gt 1 ]; do
  said=$(openssl verify -CAfile "$1" "$2" 2>&1) || { echo "$said" >&2; exit 1; }
  shift 2
done
