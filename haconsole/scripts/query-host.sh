#!/bin/sh
# Answers one line for each question about a file or unit; `-` where there is none.
# usage: query-host file|stat|written|absent|content|certificates|public|unit SUBJECT [KIND SUBJECT]...
# uses lib/pair-in-file
while [ $# -gt 1 ]; do
  case $1 in
    file) if [ -f "$2" ]; then echo "$(stat -Lc '%a %U:%G' -- "$2") $(sha256sum <"$2" | cut -c1-64)"; else echo -; fi ;;
    stat) stat -Lc '%a %U:%G' -- "$2" 2>/dev/null || echo - ;;
    written) stat -Lc %.9Y -- "$2" 2>/dev/null || echo - ;;
    absent) if [ ! -e "$2" ] && [ ! -L "$2" ] || [ -d "$2" ] && [ -z "$(ls -A -- "$2")" ]
      then echo yes; else echo no; fi ;;
    content) if [ -f "$2" ]; then base64 -w0 <"$2"; echo; else echo -; fi ;;
    certificates) if [ -f "$2" ]; then certificates_in "$2" | base64 -w0; echo; else echo -; fi ;;
    public) if [ -f "$2" ]; then key_in "$2" | openssl pkey -pubout 2>/dev/null | base64 -w0; echo; else echo -; fi ;;
    unit) read -r up rest </proc/uptime
      echo "$(systemctl show -p ActiveState,SubState,UnitFileState,ExecMainStartTimestampMonotonic \
        -p StateChangeTimestampMonotonic -- "$2" | tr '\n' ' ')Up=$up Now=$(date +%s.%N)" ;;
  esac
  shift 2
done
