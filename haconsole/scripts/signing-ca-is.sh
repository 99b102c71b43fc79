#!/bin/sh
# Fails unless the file equals the first certificate of the bundle.
# usage: signing-ca-is BUNDLE FILE
[ "$(sed '/-----END/q' "$1")" = "$(cat -- "$2")" ]
