#!/bin/sh
# Writes $says to the down file $file atomically.
echo "$says" >"$file.new"
mv -T -- "$file.new" "$file"
