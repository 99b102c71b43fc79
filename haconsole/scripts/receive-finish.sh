#!/bin/sh
# Checks a received file's SHA-256 and moves it into place with mode 0600, or another one.
# usage: receive-finish PARTIAL_FILE FILE SHA256 [MODE]
[ "$(sha256sum <"$1" | cut -c1-64)" = "$3" ] || { echo "$1 is not what was sent" >&2; exit 1; }
chmod "${4:-600}" -- "$1"; sync -- "$1"; mv -T -- "$1" "$2"
