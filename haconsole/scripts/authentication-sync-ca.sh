#!/bin/sh
# Makes the ConfigMap extension-apiserver-authentication, by which extension API servers know their clients, hold exactly
# the certificates of the files. API servers add their CAs to it and never remove one.
# With `check` it only fails if that is not the case. A cluster without the ConfigMap stays as it is.
# usage: authentication-sync-ca KUBECONFIG CA_FILE FRONT_PROXY_CA_FILE set|check
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=20s -n kube-system "$@"; }
kubeconfig=$1 what=$4 name=extension-apiserver-authentication
# block: the certificates on standard input, without anything else.
block() { sed -n '/-----BEGIN/,/-----END/p'; }
value() { kube get configmap "$name" --ignore-not-found -o "jsonpath={.data.$1}"; }
client=$(value client-ca-file) || exit 1
proxy=$(value requestheader-client-ca-file) || exit 1
[ -n "$client$proxy" ] || exit 0
if [ "$what" = check ]; then
  [ "$(printf '%s\n' "$client" | block)" = "$(block <"$2")" ] && [ "$(printf '%s\n' "$proxy" | block)" = "$(block <"$3")" ]
  exit
fi
json() { block <"$1" | awk '{ printf "%s\\n", $0 }'; }
kube patch configmap "$name" --type=merge \
  -p "{\"data\":{\"client-ca-file\":\"$(json "$2")\",\"requestheader-client-ca-file\":\"$(json "$3")\"}}"
