#!/bin/sh
# Sets SELinux to permissive or enforcing, now and after a reboot.
# usage: selinux-mode permissive|enforcing
config=${HACONSOLE_ETC:-/etc}/selinux/config
if [ "$1" = permissive ]; then setenforce 0; else setenforce 1; fi
cp -p -- "$config" "$config.haconsole"
sed "s/^SELINUX=\(enforcing\|permissive\)$/SELINUX=$1/" "$config" >"$config.haconsole"
sync -- "$config.haconsole"; mv -T -- "$config.haconsole" "$config"
