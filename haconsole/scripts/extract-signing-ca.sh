#!/bin/sh
# Writes the first certificate of a CA bundle to a file of its own.
# usage: extract-signing-ca BUNDLE FILE
sed '/-----END/q' "$1" >"$2.new"; chmod 644 "$2.new"; sync "$2.new"; mv -T -- "$2.new" "$2"
