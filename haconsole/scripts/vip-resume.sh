#!/bin/sh
# Removes the down file if it contains one of the lines; a file that a person wrote stays.
# usage: vip-resume DOWN_FILE LINE...
down_file=$1
shift
for own_line; do ! grep -qxF -- "$own_line" "$down_file" 2>/dev/null || rm -- "$down_file"; done
