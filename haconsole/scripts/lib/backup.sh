#!/bin/sh
# backup FILE keeps one backup of FILE beside it; place FILE moves FILE.new to FILE. The backup's suffix is
# HACONSOLE_ASIDE, or $end where that is not set.
backup() { end=${HACONSOLE_ASIDE:-$end}; [ ! -f "$1" ] || [ -e "${1%/*}/.${1##*/}.$end" ] || {
  cp -p -- "$1" "${1%/*}/.${1##*/}.$end" && chmod 600 -- "${1%/*}/.${1##*/}.$end"
  echo "wrote $1; the previous file is ${1%/*}/.${1##*/}.$end"; }; }
place() { sync -- "$1.new"; mv -T -- "$1.new" "$1"; }
