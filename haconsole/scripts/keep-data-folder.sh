#!/bin/sh
# Renames data folders as rename-old does, and makes an empty one for those that did not exist.
# usage: keep-data-folder SUFFIX FOLDER...
# shellcheck disable=SC2174  # only the last folder is made
# uses rename-old
for path in "$@"; do mkdir -p -m 700 -- "$path.$end"; done
