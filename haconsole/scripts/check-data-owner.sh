#!/bin/sh
# Fails if the data folder exists and the configuration lacks the mark of this cluster; prints the mark it has.
# usage: check-data-owner DATA_FOLDER CONFIGURATION MARK
[ -d "$1" ] || exit 0
head -n 2 -- "$2" 2>/dev/null | grep -qxF -- "$3" && exit 0
mark=$(head -n 2 -- "$2" 2>/dev/null | sed -n 's/^# haconsole: /its mark: /p')
echo "${mark:-it has no mark}" >&2; exit 1
