#!/bin/sh
# Fails unless the flag in the manifest has the value.
# usage: manifest-check-flag MANIFEST FLAG VALUE
grep -q -e "--$2=$3[\"' ]*\$" -- "$1"
