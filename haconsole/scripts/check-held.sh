#!/bin/sh
# Fails unless those of the packages that are installed are excluded from upgrades.
# usage: check-held TOOL PACKAGE...
# shellcheck disable=SC2016 # dpkg-query expands the format
tool=$1; shift
failed=0
for name in "$@"; do
  case $tool in
    apt)
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || continue
      apt-mark showhold | grep -qxF -e "$name" || { echo "$name is not held" >&2; failed=1; }
      ;;
    *)
      rpm -q "$name" >/dev/null || continue
      "$tool" -q versionlock list 2>/dev/null | grep -q -e "^\([0-9]*:\)\{0,1\}$name-[0-9]" || { echo "$name is not locked" >&2; failed=1; }
      ;;
  esac
done
exit "$failed"
