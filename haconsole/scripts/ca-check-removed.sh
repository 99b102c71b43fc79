#!/bin/sh
# Fails if the bundle is empty or contains the fingerprint.
# usage: ca-check-removed BUNDLE SHA256
# uses lib/fingerprints
[ -s "$1" ] && case $(prints "$1") in *"$2"*) exit 1 ;; esac
