#!/bin/sh
# show_haproxy prints all configuration files of the running haproxy in the order that it reads them, each after a line
# "=file= PATH", else those of the usual place; then the parts "environment" (the variables that they use) and "version".
#
# haproxy may run in a container: its files have the paths of the host, or else are read below its own root.
# uses lib/host-path
haproxy_process() {
  first=
  for process in /proc/[0-9]*; do
    if read -r name <"$process/comm" && [ "$name" = haproxy ]; then
      first=${first:-$process}
      if [ "$(readlink "$process/ns/mnt")" = "$(readlink /proc/1/ns/mnt)" ]; then first=$process; break; fi
    fi
  done 2>/dev/null
  printf '%s' "$first"
}
haproxy_named() {
  [ -z "$1" ] || tr '\0' '\n' <"$1/cmdline" | awk '
    rest || want { print; want = 0; next }
    $0 == "--" { rest = 1 }
    $0 == "-f" { want = 1 }'
}
haproxy_file() { # ROOT PATH
  printf '\n=file= %s\n' "$2"
  head -c 1000000 -- "$1$2"
  haproxy_used="$haproxy_used
$(sed 's/\$/\n$/g; s/defined(/\n$/g' <"$1$2" | sed -n 's/^\${\{0,1\}\([A-Za-z_][A-Za-z0-9_]*\).*/\1/p')"
}
show_haproxy() {
  haproxy_used=; process=$(haproxy_process)
  root=; [ -z "$process" ] || root=$process/root
  named=$(haproxy_named "$process"); named=${named:-/etc/haproxy/haproxy.cfg}
  while read -r path; do
    case $path in /*) ;; *) path=$(readlink "$process/cwd")/$path ;; esac
    there=; [ -z "$process" ] || there=$(host_path "$process" "$path")
    if [ -f "$there" ]; then haproxy_file '' "$there"; continue; fi
    if [ -f "$root$path" ]; then haproxy_file "$root" "$path"; continue; fi
    for file in "$root$path"/*.cfg; do
      [ ! -f "$file" ] || haproxy_file "$root" "${file#"$root"}"
    done
  done <<END
$named
END
  echo '=part= environment'
  [ -z "$process" ] || tr '\0' '\n' <"$process/environ" | while read -r line; do
    case "$haproxy_used
" in *"
${line%%=*}
"*) printf '%s\n' "$line" ;; esac
  done
  echo '=part= version'
  timeout 3 haproxy -vv 2>/dev/null | sed -n '1p; /^Feature list/p'
  :
}
