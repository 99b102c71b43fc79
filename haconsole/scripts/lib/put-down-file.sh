#!/bin/sh
# Writes $line to the down file $file atomically.
echo "$line" >"$file.new"
mv -T -- "$file.new" "$file"
