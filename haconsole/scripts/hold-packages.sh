#!/bin/sh
# Excludes installed packages from upgrades, and records those that were not excluded before.
# usage: hold-packages TOOL RECORD PACKAGE...
# shellcheck disable=SC2016 # dpkg-query expands the format
tool=$1 record=$2; shift 2
mkdir -p -- "${record%/*}"
case $tool in
  apt)
    for name in "$@"; do
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || continue
      ! apt-mark showhold | grep -qxF -e "$name" || continue
      printf '%s\n' "$name" >>"$record"; apt-mark hold "$name"
    done
    ;;
  *)
    "$tool" versionlock list >/dev/null 2>&1 || "$tool" -y install "$([ "$tool" = yum ] && echo yum-plugin-versionlock || echo 'dnf-command(versionlock)')"
    for name in "$@"; do
      rpm -q "$name" >/dev/null || continue
      ! "$tool" -q versionlock list | grep -q -e "^\([0-9]*:\)\{0,1\}$name-[0-9]" || continue
      printf '%s\n' "$name" >>"$record"; "$tool" -q versionlock add "$name"
    done
    ;;
esac
