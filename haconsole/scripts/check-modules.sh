#!/bin/sh
# Fails unless the kernel modules are loaded or built in.
# usage: check-modules NAME...
root=${HACONSOLE_ROOT:-} failed=0
for name in "$@"; do
  [ ! -d "$root/sys/module/$name" ] || continue
  grep -qs "/$name\.ko" "$root/lib/modules/$(uname -r)/modules.builtin" || { echo "the module $name is not loaded" >&2; failed=1; }
done
exit "$failed"
