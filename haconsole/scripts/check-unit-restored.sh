#!/bin/sh
# Fails unless the unit is enabled and running as before, and was started after its files were restored.
# usage: check-unit-restored UNIT yes|no|- yes|no RUN_FOLDER FOLDER... (the first four as for restore-unit)
unit=$1 enabled=$2 active=$3; shift 4
now=$(systemctl is-enabled -- "$unit" 2>/dev/null || :)
case $enabled in
  yes) case $now in enabled*) ;; *) echo "$unit is ${now:-not enabled}" >&2; exit 1 ;; esac ;;
  no) case $now in enabled*) echo "$unit is $now" >&2; exit 1 ;; esac ;;
esac
if [ "$active" != yes ]; then ! systemctl is-active --quiet "$unit" || { echo "$unit runs" >&2; exit 1; }; exit 0; fi
systemctl is-active --quiet "$unit" || { echo "$unit does not run" >&2; exit 1; }
read -r up rest </proc/uptime
since=$(systemctl show -p StateChangeTimestampMonotonic --value -- "$unit")
for folder in "$@"; do
  changed=$(stat -Lc %.6Y -- "$folder" 2>/dev/null) || continue
  awk -v up="$up" -v now="$(date +%s.%N)" -v since="$since" -v changed="$changed" \
    'BEGIN { exit !(now - up + since / 1000000 >= changed) }' ||
    { echo "$unit runs since before its files in $folder were restored" >&2; exit 1; }
done
