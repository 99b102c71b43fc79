#!/bin/sh
# Turns swap off: comments out the swap entries of fstab, masks swap units, and records those for the undo.
# usage: swap-off RECORD
etc=${HACONSOLE_ETC:-/etc}
mkdir -p -- "${1%/*}"
if [ -r "$etc/fstab" ]; then
  cp -p -- "$etc/fstab" "$etc/.fstab.haconsole"
  awk '!/^[ \t]*#/ && $3 == "swap" { print "# haconsole: swap is off: " $0; next } { print }' "$etc/fstab" >"$etc/.fstab.haconsole"
  if cmp -s "$etc/fstab" "$etc/.fstab.haconsole"; then rm -f -- "$etc/.fstab.haconsole"
  else sync -- "$etc/.fstab.haconsole"; mv -T -- "$etc/.fstab.haconsole" "$etc/fstab"; fi
fi
units=$(systemctl list-units --type=swap --all --plain --no-legend | cut -d' ' -f1)
touch -- "$1"
for unit in $units; do
  [ "$(systemctl is-enabled -- "$unit" 2>/dev/null)" != masked ] || continue
  grep -qxF -e "$unit" "$1" || printf '%s\n' "$unit" >>"$1"
done
swapoff -a
while read -r unit; do systemctl mask --quiet -- "$unit"; done <"$1"
systemctl daemon-reload
