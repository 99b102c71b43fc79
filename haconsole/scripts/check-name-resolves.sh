#!/bin/sh
# Fails if the host has no address for a name.
# usage: check-name-resolves NAME
getent ahosts "$1" >/dev/null || { echo "$1 has no address" >&2; exit 1; }
