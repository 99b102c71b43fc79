#!/bin/sh
# Fails unless the program runs and has the version that is needed.
# usage: check-program LOWEST_VERSION SERIES PROGRAM ARGUMENT... (SERIES may be empty)
atleast=$1 series=$2; shift 2
command -v "$1" >/dev/null || { echo "$1 is not there" >&2; exit 1; }
output=$("$@" 2>&1) || { echo "$1 does not run: $output" >&2; exit 1; }
version=$(printf %s "$output" | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)
case "$version." in "${series:+$series.}"*) ;; *) echo "$1 is version $version" >&2; exit 1 ;; esac
printf '%s\n' "$atleast" "$version" | sort -VC || { echo "$1 is version $version" >&2; exit 1; }
