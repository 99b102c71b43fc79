#!/bin/sh
# Fails if one of the units runs or is enabled.
# usage: check-units-stopped UNIT...
for unit in "$@"; do
  ! systemctl is-active --quiet "$unit" || { echo "$unit runs" >&2; exit 1; }
  ! systemctl is-enabled --quiet "$unit" 2>/dev/null || { echo "$unit starts with the host" >&2; exit 1; }
done
