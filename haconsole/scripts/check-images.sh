#!/bin/sh
# Fails unless containerd has every image that the archive names.
# usage: check-images ARCHIVE
[ -e "$1" ] || { echo "$1 is missing" >&2; exit 1; }
there=$(ctr --namespace k8s.io images ls -q) || exit 1
names=$(tar -xOf "$1" manifest.json 2>/dev/null | tr ']' '\n' | sed -n 's/.*"RepoTags": *\[//p' | tr -d '" ' | tr ',' '\n')
[ -n "$names" ] || names=$(tar -xOf "$1" index.json | tr ',' '\n' | sed -n 's/.*"io\.containerd\.image\.name": *"\([^"]*\)".*/\1/p')
[ -n "$names" ] || { echo "$1 names no image" >&2; exit 1; }
failed=0
for name in $names; do
  printf '%s\n' "$there" | grep -qF -e "$name" || { echo "the image $name is missing" >&2; failed=1; }
done
exit "$failed"
