#!/bin/sh
# Fails unless the bundle contains every certificate of the file.
# usage: ca-check-added BUNDLE FILE
# uses lib/fingerprints
held=$(prints "$1") || exit 1
for one in $(prints "$2"); do case $held in *"$one"*) ;; *) echo "$1 lacks $one" >&2; exit 1 ;; esac; done
[ -s "$2" ]
