#!/bin/sh
# prints FILE prints the SHA-256 of each PEM block, in order.
prints() { while IFS= read -r line || [ -n "$line" ]; do case $line in
  -----BEGIN*) body= ;;
  -----END*) printf %s "$body" | base64 -d | sha256sum | cut -c1-64 ;;
  *) body=$body$line ;;
  esac; done <"$1"; }
