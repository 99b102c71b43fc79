#!/bin/sh
# Renames the drop-ins of a unit that an administrator wrote, so that systemd ignores them; or renames them back.
# Those with haconsole's mark belong to its own configuration and stay.
# usage: rename-drop-ins MODE UNIT SUFFIX [SETTINGS]
# MODE is some (fails where there is none), none (fails where there is one), rename, or back
# SETTINGS, an extended regular expression: only files that set these and nothing else. With the mode mixed: fails where
# a file sets these and something else.
mode=$1 unit=$2 suffix=$3 settings=${4:-} root=${HACONSOLE_ROOT:-}
names_of() { sed -n 's/^[[:space:]]*\([A-Za-z]*\)[[:space:]]*=.*/\1/p' "$1"; }
sets() { names_of "$1" | grep -qxE "$settings"; }
sets_other() { names_of "$1" | grep -qvxE "$settings"; }
written() {
  for folder in /etc/systemd/system /etc/systemd/system.control /run/systemd/system /run/systemd/system.control; do
    for path in "$root$folder/$unit.d"/*"$1"; do
      [ -f "$path" ] || continue
      ! grep -q '^# haconsole: ' -- "$path" || continue
      if [ -n "$settings" ]; then
        sets "$path" || continue
        if sets_other "$path"; then [ "$mode" = mixed ] || continue; else [ "$mode" != mixed ] || continue; fi
      fi
      printf '%s\n' "$path"
    done
  done
}
case $mode in
  some) [ -n "$(written .conf)" ] ;;
  none) [ -z "$(written .conf)" ] ;;
  mixed)
    files=$(written .conf)
    [ -z "$files" ] || { printf '%s\n' "$files" | sed 's/$/ has other settings too: remove its limits by hand/' >&2; exit 1; } ;;
  rename) written .conf | while IFS='' read -r path; do mv -T -- "$path" "$path.$suffix"; done ;;
  back) written ".$suffix" | while IFS='' read -r path; do mv -T -- "$path" "${path%".$suffix"}"; done ;;
esac
