#!/bin/sh
# Removes the folder of a run's commands.
# usage: detached-remove FOLDER
rm -rf -- "$1"; rmdir -- "${1%/*}" 2>/dev/null; exit 0
