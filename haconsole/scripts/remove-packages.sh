#!/bin/sh
# Removes the recorded packages; their configuration and data files stay. Fails if other packages depend on them.
# usage: remove-packages TOOL RECORD
# shellcheck disable=SC2086,SC2016 # packages are one word each; dpkg-query expands the format
PATH=$PATH:/usr/sbin:/sbin
tool=$1 record=$2
[ -s "$record" ] || exit 0
names=
sort -u "$record" >"$record.names"
while read -r name; do
  case $tool in
    apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" != installed ] || names="$names $name" ;;
    *) ! rpm -q "$name" >/dev/null || names="$names $name" ;;
  esac
done <"$record.names"
rm -f -- "$record.names"
if [ -n "$names" ]; then
  case $tool in
    apt)
      export DEBIAN_FRONTEND=noninteractive
      others=$(apt-get -qs remove $names | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort -u | while read -r name; do
        case " $names " in *" $name "*) ;; *) printf '%s ' "$name" ;; esac
      done)
      [ -z "$others" ] || { echo "packages installed since depend on them: ${others% }; remove those first" >&2; exit 1; }
      apt-get -qy -o DPkg::Lock::Timeout=120 remove $names
      ;;
    *) rpm -e $names ;;
  esac
fi
mv -- "$record" "$record.removed"
