#!/bin/sh
# Runs a command with the first BYTES of standard input, and ends it when standard input ends.
# usage: lifeline BYTES COMMAND...
n=$1; shift; trap : TERM; exec 3<&0
{ { head -c "$n"; exec >&-; cat >/dev/null; kill -TERM 0; } <&3 2>/dev/null & } | { exec 3<&-; exec "$@"; }
