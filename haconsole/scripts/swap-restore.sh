#!/bin/sh
# Turns swap on again as it was: the marked entries of fstab, and the recorded units.
# usage: swap-restore RECORD
etc=${HACONSOLE_ETC:-/etc}
if grep -qs '^# haconsole: swap is off: ' "$etc/fstab"; then
  cp -p -- "$etc/fstab" "$etc/.fstab.haconsole"
  sed 's/^# haconsole: swap is off: //' "$etc/fstab" >"$etc/.fstab.haconsole"
  sync -- "$etc/.fstab.haconsole"; mv -T -- "$etc/.fstab.haconsole" "$etc/fstab"
fi
[ -e "$1" ] || exit 0
while read -r unit; do systemctl unmask --quiet -- "$unit"; done <"$1"
systemctl daemon-reload
while read -r unit; do systemctl start -- "$unit"; done <"$1"
swapon -a
rm -f -- "$1"
