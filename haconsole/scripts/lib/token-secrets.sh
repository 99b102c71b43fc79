#!/bin/sh
# Functions that find the Secrets whose service-account token another key signed. They use `kube`, a kubectl.
# key_id PRIVATE_KEY: the ID of the key in the tokens that it signs.
key_id() {
  openssl pkey -in "$1" -pubout -outform DER | openssl dgst -sha256 -binary | base64 -w0 | tr '+/' '-_' | tr -d =
}
# ca_id CA_FILE: a short name of the first certificate.
ca_id() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | cut -c 1-16; }
# header: the header of the token on standard input.
header() {
  text=$(cut -d . -f 1 | tr -- '-_' '+/')
  while [ $((${#text} % 4)) -ne 0 ]; do text="$text="; done
  printf '%s' "$text" | base64 -d
}
# renew_tokens KEY_ID -A|-nNAMESPACE: kube-controller-manager fills each Secret whose token is removed.
renew_tokens() {
  other_tokens "$1" "$2" >"$work/stale" || return 1
  while read -r namespace name; do
    kube patch secret -n "$namespace" "$name" --type=merge -p '{"data":{"token":null}}' </dev/null || return 1
  done <"$work/stale"
  end=$(($(date +%s) + 60))
  while left=$(other_tokens "$1" "$2") || return 1; [ -n "$left" ]; do
    [ "$(date +%s)" -lt "$end" ] || { echo "kube-controller-manager has not signed these tokens: $left" >&2; return 1; }
    sleep 1
  done
}
# other_tokens KEY_ID -A|-nNAMESPACE: namespace and name of each Secret with a token of another key, or without one.
other_tokens() {
  kube get secrets "$2" --field-selector=type=kubernetes.io/service-account-token \
    -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name} {.data.token}{"\n"}{end}' \
    >"$work/secrets" || return 1
  while read -r namespace name token; do
    case $(printf '%s' "$token" | base64 -d | header) in *"\"$1\""*) ;; *) echo "$namespace $name" ;; esac
  done <"$work/secrets"
}
