#!/bin/sh
# Fails while a file of the next CA exists or the bundle contains the fingerprint.
# usage: ca-check-dropped BUNDLE NEXT_FILE SHA256
# uses lib/fingerprints
[ ! -e "$2" ] || { echo "$2 is still there" >&2; exit 1; }
case $(prints "$1") in *"$3"*) echo "$1 still holds $3" >&2; exit 1 ;; esac
