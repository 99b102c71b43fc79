#!/bin/sh
# Has every token in a Secret signed with the current key. With `check` it only fails while one of another key is left.
# usage: renew-tokens KUBECONFIG PRIVATE_KEY renew|check
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
# uses lib/token-secrets
kubeconfig=$1
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
id=$(key_id "$2") || exit 1
if [ "$3" = renew ]; then renew_tokens "$id" -A; exit; fi
left=$(other_tokens "$id" -A) || exit 1
[ -z "$left" ] || { echo "tokens of another key are in the Secrets: $left" >&2; exit 1; }
