#!/bin/sh
# host_path PROCESS PATH prints the host's path of a file that a process, maybe in a container, knows as PATH. Nothing
# is printed for a file that is only in the container's image. PROCESS is its folder in /proc.
host_path() {
  if [ "$(readlink "$1/ns/mnt")" = "$(readlink /proc/1/ns/mnt)" ]; then printf '%s\n' "$2"; return; fi
  above=$(awk '$5 == "/" { print $4 }' /proc/1/mountinfo | tail -n 1)
  while read -r _ _ _ source target _; do
    case $2 in "$target" | "${target%/}"/*) ;; *) continue ;; esac
    there=${source#"${above%/}"}
    there=${there%/}${2#"${target%/}"}
    if [ "$(stat -Lc %d:%i -- "$there")" = "$(stat -Lc %d:%i -- "$1/root$2")" ]; then
      printf '%s\n' "$there"
      return
    fi
  done <"$1/mountinfo"
} 2>/dev/null
