#!/bin/sh
# Prints name, load, pressure, processors, network hardware, neighbours and the times of configuration files.
# usage: system [ADDRESS]... -- [FILE]...
# prints: lines of a key and a value; of the neighbours only the addresses, of the files "written SECONDS FILE",
# of interfaces without traffic "link-NAME down" (switched off) or "link-NAME no-carrier"
show() { [ -r "$2" ] && read -r value <"$2" && printf '%s %s\n' "$1" "$value"; }
show hostname /proc/sys/kernel/hostname
show machine-id /etc/machine-id
show load /proc/loadavg
show clocksource /sys/devices/system/clocksource/clocksource0/current_clocksource
for kind in cpu io memory; do show "pressure-$kind" "/proc/pressure/$kind"; done
cpus=0
while read -r word _; do case $word in cpu[0-9]*) cpus=$((cpus + 1)) ;; esac; done </proc/stat
printf 'cpus %s\n' "$cpus"
for link in /sys/class/net/*; do
  show "hardware-${link##*/}" "$link/address"
  show "mtu-${link##*/}" "$link/mtu"
  if read -r state <"$link/operstate" && [ "$state" = down ]; then
    if read -r carrier <"$link/carrier" && [ "$carrier" = 0 ]; then state=no-carrier; fi
    printf 'link-%s %s\n' "${link##*/}" "$state"
  fi 2>/dev/null
done
addresses=' '
while [ "${1:---}" != -- ]; do addresses="$addresses$1 "; shift; done
[ $# -eq 0 ] || shift
ip -o neighbour show 2>/dev/null | while read -r address rest; do
  case $addresses in *" $address "*) printf 'neighbour %s %s\n' "$address" "$rest" ;; esac
done
[ $# -eq 0 ] || stat -c 'written %Y %n' -- "$@" 2>/dev/null
:
