#!/bin/sh
# Fails if SELinux enforces and the boolean is off.
# usage: check-selinux-boolean BOOLEAN
command -v getenforce >/dev/null && [ "$(getenforce)" = Enforcing ] || exit 0
getsebool "$1" 2>/dev/null | grep -q 'on$'
