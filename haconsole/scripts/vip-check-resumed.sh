#!/bin/sh
# Fails while the down file contains one of the lines.
# usage: vip-check-resumed DOWN_FILE LINE...
down_file=$1
shift
for own_line; do ! grep -qxF -- "$own_line" "$down_file" 2>/dev/null || exit 1; done
