#!/bin/sh
# Gives a flag in the manifest of a static pod another value; kubelet then restarts the pod.
# usage: manifest-set-flag MANIFEST FLAG VALUE
new=${1%/*}/.${1##*/}.haconsole
cp -p -- "$1" "$new"
sed "s|\(--$2=\)[^\"' ]*|\1$3|" -- "$1" >"$new"
sync -- "$new"; mv -T -- "$new" "$1"
