#!/bin/sh
# Fails while the detached command of the folder runs.
# usage: check-command-ended FOLDER
[ ! -e "$1/pid" ] || [ -e "$1/status" ] || ! kill -0 "$(cat "$1/pid")" 2>/dev/null
