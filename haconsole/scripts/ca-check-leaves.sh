#!/bin/sh
# Fails unless each leaf, in a PEM file or in a kubeconfig, verifies with its CA file and nothing else.
# usage: ca-check-leaves CA_FILE LEAF [CA_FILE LEAF]...
# uses lib/pair-in-file
while [ $# -gt 1 ]; do
  error=$(certificates_in "$2" | openssl verify -CAfile "$1" 2>&1) || { echo "$2: $error" >&2; exit 1; }
  shift 2
done
