#!/bin/sh
# Prints the addresses of all interfaces: JSON with one object a line, or one line an address.
# usage: addresses
# Streams cut long lines, so objects are on lines of their own; iproute2 before 4.13 has no JSON.
# shellcheck disable=SC2015  # the second form is printed also where sed fails
list=$(ip -j address show 2>/dev/null) && printf '%s\n' "$list" | sed 's/},/},\n/g' || ip -o address show
