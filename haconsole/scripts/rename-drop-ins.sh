#!/bin/sh
# Renames the drop-ins of a unit that an administrator wrote, so that systemd ignores them; or renames them back.
# Those with haconsole's mark belong to its own configuration and stay.
# usage: rename-drop-ins MODE UNIT SUFFIX
# MODE is some (fails where there is none), none (fails where there is one), rename, or back
mode=$1 unit=$2 suffix=$3 root=${HACONSOLE_ROOT:-}
written() {
  for folder in /etc/systemd/system /etc/systemd/system.control /run/systemd/system /run/systemd/system.control; do
    for path in "$root$folder/$unit.d"/*"$1"; do
      [ ! -f "$path" ] || grep -q '^# haconsole: ' -- "$path" || printf '%s\n' "$path"
    done
  done
}
case $mode in
  some) [ -n "$(written .conf)" ] ;;
  none) [ -z "$(written .conf)" ] ;;
  rename) written .conf | while IFS='' read -r path; do mv -T -- "$path" "$path.$suffix"; done ;;
  back) written ".$suffix" | while IFS='' read -r path; do mv -T -- "$path" "${path%".$suffix"}"; done ;;
esac
