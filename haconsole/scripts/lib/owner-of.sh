#!/bin/sh
# owner_of FILE prints one of absent, package, foreign, ours, changed and unsealed, and the cluster that the mark
# names, or -. An empty file counts as absent. unsealed is a file of version 0.1, which had no checksum. A package's
# file counts as package while its checksum is the package's (dpkg-query(1), rpm(8)).
# The mark is read by the shell itself: this runs on every look at a balancer, and each process costs the host.
packaged() {
  sum=$(md5sum <"$1" | cut -c1-32)
  for name in haproxy keepalived; do
    if timeout 5 dpkg-query -W -f='${Conffiles}\n' "$name" 2>/dev/null | grep -qxF " $1 $sum"; then return 0; fi
  done
  command -v rpm >/dev/null && rpm -qf -- "$1" >/dev/null 2>&1 || return 1
  ! timeout 10 rpm -Vf --nodeps -- "$1" | grep -q "^..[5?].* $1\$"
}
body_sum() { total=$(sed '1,3{/^# haconsole: sha256 /d;}' "$1" | sha256sum); echo "${total%% *}"; }
read_mark() { # FILE sets cluster and sum
  cluster='' sum='' number=0
  while [ "$number" -lt 3 ] && { IFS= read -r line || [ -n "$line" ]; }; do
    number=$((number + 1))
    case $line in
      '# haconsole: cluster '*) [ "$number" -eq 3 ] || cluster=${cluster:-${line#'# haconsole: cluster '}} ;;
      '# haconsole: sha256 '*) sum=${sum:-${line#'# haconsole: sha256 '}} ;;
    esac
  done <"$1"
}
owner_of() {
  if [ ! -e "$1" ] || [ -f "$1" ] && [ ! -s "$1" ]; then echo "absent -"; return; fi
  read_mark "$1"
  if [ -z "$cluster" ]; then
    if packaged "$1"; then echo "package -"; else echo "foreign -"; fi
  elif [ -z "$sum" ]; then echo "unsealed $cluster"
  elif [ "$(body_sum "$1")" = "$sum" ]; then echo "ours $cluster"
  else echo "changed $cluster"; fi
}
