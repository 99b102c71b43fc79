#!/bin/sh
# certificates_in FILE and key_in FILE print the certificates or the private key in a PEM file, or those that a
# kubeconfig embeds for its first user.
embedded() { sed -n "s/^[- ]*$1: *//p" -- "$2" | head -n 1 | tr -d "\"'" | base64 -d 2>/dev/null; }
certificates_in() {
  if grep -q '^[- ]*client-certificate-data:' -- "$1"; then embedded client-certificate-data "$1"
  else sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' -- "$1"; fi
}
key_in() { if grep -q '^[- ]*client-key-data:' -- "$1"; then embedded client-key-data "$1"; else cat -- "$1"; fi; }
