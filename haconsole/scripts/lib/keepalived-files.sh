#!/bin/sh
# Functions that print keepalived's configuration with all it may include, and how its process was started.
#
# show_files PATH            every file after a line "=file= PATH", the configuration itself first
# process_of NAME            the /proc folder of the first process of that name; nothing where there is none
# named_config FOLDER        the configuration that the process was given by -f or --use-file
# started_by FOLDER PATH     the parts "command" and, where the configuration uses it, "environment"
#
# Includes are expanded generously, since only the reader of the lines knows which of them count: definitions
# are put in, and unknown ones match anything.
included() {
  awk '
    function put(pattern, depth,   name, head, tail, known, one, found) {
      if (depth > 5 || !match(pattern, /[$]([{][^}]*[}]|[A-Za-z_][A-Za-z0-9_]*)/)) { print pattern; return }
      head = substr(pattern, 1, RSTART - 1); tail = substr(pattern, RSTART + RLENGTH)
      name = substr(pattern, RSTART, RLENGTH); gsub(/[${}]/, "", name)
      known = split((name in value) ? value[name] : "*", found, "\n")
      for (one = 1; one <= known; one++) put(head found[one] tail, depth + 1)
    }
    BEGIN { value["_PWD"] = "." }
    FNR == 1 { file++ }
    { sub(/\r$/, ""); line = $0 }
    match(line, /[$][A-Za-z_][A-Za-z0-9_]*=/) {
      name = substr(line, RSTART + 1, RLENGTH - 2)
      value[name] = ((name in value) ? value[name] "\n" : "") substr(line, RSTART + RLENGTH)
    }
    file == ARGC - 1 {
      while (match(line, /(^|[^A-Za-z0-9_])include[rmwba]?[ \t]+/)) {
        line = substr(line, RSTART + RLENGTH); pattern = line
        sub(/[ \t]*[#!].*/, "", pattern); sub(/[ \t\\]+$/, "", pattern)
        gsub(/[{][^{}]*,[^{}]*[}]/, "*", pattern)
        put(pattern, 0)
      }
    }' "$@"
}
show_files() {
  shown=; count=0; before=
  IFS='
'
  while [ $# -gt 0 ] && [ "$count" -lt 200 ]; do
    file=$1; shift
    case "$shown" in *"=$file="*) continue ;; esac
    [ -f "$file" ] || continue
    [ -z "$shown" ] || [ ! -x "$file" ] || continue
    shown="$shown=$file="; count=$((count + 1)); before="$before$file
"
    printf '\n=file= %s\n' "$file"
    head -c 1000000 -- "$file"
    while read -r pattern; do
      case $pattern in '') continue ;; /*) ;; *) pattern=${file%/*}/$pattern ;; esac
      # shellcheck disable=SC2086
      for found in $pattern; do set -- "$@" "$found"; done
    done <<END
$(included $before)
END
  done
}
process_of() {
  for process in /proc/[0-9]*; do
    if read -r name <"$process/comm" && [ "$name" = "$1" ]; then
      printf '%s' "$process"
      return
    fi
  done 2>/dev/null
}
named_config() {
  tr '\0' '\n' <"$1/cmdline" | awk '
    want { print; exit }
    /^--use-file=/ { print substr($0, 12); exit }
    /^(--use-file|-[vhlndDRemGPCaBVIXxTLO]*f)$/ { want = 1 }
    /^-[vhlndDRemGPCaBVIXxTLO]*f./ { sub(/^-[^f]*f/, ""); print; exit }'
}
started_by() {
  echo '=part= command'
  tr '\0' '\n' <"$1/cmdline"
  echo '=part= environment'
  grep -qs _ENV -- "$2" && tr '\0' '\n' <"$1/environ"
  :
}
