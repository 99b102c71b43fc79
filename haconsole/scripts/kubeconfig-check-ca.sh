#!/bin/sh
# Fails unless each kubeconfig that embeds a CA embeds exactly the certificates of the file.
# usage: kubeconfig-check-ca CA_FILE KUBECONFIG...
wanted=$(base64 -w0 <"$1"); shift
for path; do
  [ -f "$path" ] || continue
  for embedded in $(sed -n 's/^[- ]*certificate-authority-data: *//p' -- "$path" | tr -d "\"'"); do
    [ "$embedded" = "$wanted" ] || { echo "$path embeds another CA" >&2; exit 1; }
  done
done
