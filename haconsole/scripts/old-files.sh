#!/bin/sh
# Prints archived journals, and all snapshots but the newest, where their file system has less than PERCENT of its space
# or inodes free. Where inodes are short it also prints folders of temporary files with many files in them.
# usage: old-files PERCENT [SNAPSHOT_FOLDER]
# prints: "SECONDS BYTES PATH", the time of the last change first; or "SECONDS BYTES files COUNT FOLDER"
# shellcheck disable=SC2046  # the numbers are split on purpose
percent=$1
set -- "$1" "${2:-/nonexistent}"
temporary='/tmp /var/tmp /var/cache /var/crash /var/lib/php/sessions'
# shellcheck disable=SC2086  # the paths have no blanks
stat -f -c '%a %b %d %c' -- /var/log/journal /run/log/journal $temporary "$2" 2>/dev/null |
  awk -v percent="$percent" '
    $1 * 100 < $2 * percent || $4 > 0 && $3 * 100 < $4 * percent { low = 1 }
    END { exit !low }' || exit 0
is_low() {
  [ -d "$1" ] || return 1
  set -- $(stat -f -c '%a %b %d %c' -- "$1" 2>/dev/null)
  [ $# -eq 4 ] || return 1
  [ $(($1 * 100)) -lt $(($2 * percent)) ] || lacks_inodes "$3" "$4"
}
lacks_inodes() { [ "$2" -gt 0 ] && [ $(($1 * 100)) -lt $(($2 * percent)) ]; }
show_many() {
  [ -d "$1" ] || return 0
  lacks_inodes $(stat -f -c '%d %c' -- "$1") || return 0
  timeout 3 find "$1" -xdev -type f ! -name '*.db' ! -name '*.journal' -printf '%T@ %s %h\n' 2>/dev/null
}
for folder in /var/log/journal /run/log/journal; do
  ! is_low "$folder" || stat -c '%Y %s %n' -- "$folder"/*/*@*.journal "$folder"/*/*.journal~ 2>/dev/null
done
if is_low "$2"; then
  stat -c '%Y %s %n' -- "$2"/*.db 2>/dev/null | sort -n | sed '$d'
fi
for folder in $temporary "$2"; do show_many "$folder"; done |
  awk '
    {
      at = int($1); bytes = $2
      sub(/^[^ ]+ [^ ]+ /, "")
      count[$0]++; size[$0] += bytes
      if (at > newest[$0]) newest[$0] = at
    }
    END { for (folder in count) if (count[folder] >= 10) printf "%d %.0f %.0f %s\n", count[folder], newest[folder], size[folder], folder }' |
  sort -rn | head -n 5 | while read -r count newest size folder; do
    printf '%s %s files %s %s\n' "$newest" "$size" "$count" "$folder"
  done
:
