#!/bin/sh
# Fails if SELinux is enforcing, or would be after a reboot.
# usage: check-selinux
[ "$(getenforce)" != Enforcing ] || { echo "SELinux is enforcing" >&2; exit 1; }
! grep -qs '^SELINUX=enforcing$' "${HACONSOLE_ETC:-/etc}/selinux/config" || { echo "SELinux is enforcing after a reboot" >&2; exit 1; }
