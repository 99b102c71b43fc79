#!/bin/sh
# Installs programs of a release that are missing; an archive is verified by its SHA-256 first.
# usage: prepare-programs SOURCE SHA256 PATH...
# SOURCE is an archive (.tar.gz), or a folder with the programs and SHA256 is `-`; each PATH gets the program of its name
source=$1 sum=$2; shift 2
if [ "$sum" != - ]; then
  [ "$(sha256sum <"$source" | cut -c1-64)" = "$sum" ] || { echo "$source does not have the SHA-256 $sum" >&2; exit 1; }
  folder=$source.unpacked
  rm -rf -- "$folder"; mkdir -p -- "$folder"
  trap 'rm -rf -- "$folder"' EXIT
  tar -xzf "$source" -C "$folder"
  source=$folder
fi
for path in "$@"; do
  [ ! -e "$path" ] || continue
  program=$(find "$source" -type f -name "${path##*/}" | head -n 1)
  [ -n "$program" ] || { echo "the release has no program ${path##*/}" >&2; exit 1; }
  mkdir -p -- "${path%/*}"
  cp -- "$program" "$path.new"; chown root:root "$path.new"; chmod 755 "$path.new"; sync -- "$path.new"
  mv -T -- "$path.new" "$path"
  if command -v restorecon >/dev/null; then restorecon -F "$path"; fi
done
