#!/bin/sh
# Installs programs of a release that are missing; an archive is verified by its SHA-256 first.
# usage: prepare-programs RECORD SOURCE SHA256 PATH...
# RECORD is a file that gets the path of each program that was missing, for remove-programs
# SOURCE is an archive (.tar.gz), or a folder with the programs and SHA256 is `-`; each PATH gets the program of its name
record=$1 source=$2 sum=$3; shift 3
mkdir -p -- "${record%/*}"
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
  printf '%s\n' "$path" >>"$record"; sync -- "$record"
  mv -T -- "$path.new" "$path"
  if command -v restorecon >/dev/null; then restorecon -F "$path"; fi
done
