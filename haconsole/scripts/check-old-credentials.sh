#!/bin/sh
# Fails while pods run that started before the workloads were renewed, or mount Secrets with tokens of another key; prints
# them. Pods that end, that mount no service-account token, and static pods have none of these credentials.
# usage: check-old-credentials KUBECONFIG MARK CA_FILE PRIVATE_KEY|-; MARK and CA_FILE are as for renew-workloads
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
# uses lib/token-secrets
# uses lib/workloads
kubeconfig=$1
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
since=$(kube get namespace kube-system -o 'jsonpath={.metadata.annotations.haconsole/ca-rotation}') || exit 1
case $since in
  "$2-$(ca_id "$3") "*) ;;
  *) echo "the workloads of kube-system were not restarted in this rotation" >&2; exit 1 ;;
esac
: >"$work/stale"
[ "$4" = - ] || other_tokens "$(key_id "$4")" -A >"$work/stale" || exit 1
kube get pods -A -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}|{.status.startTime}|{.status.phase}|{.metadata.annotations.kubernetes\.io/config\.mirror}{.metadata.deletionTimestamp}|{.spec.containers[*].volumeMounts[*].mountPath}|{.spec.volumes[*].secret.secretName}{"\n"}{end}' \
  >"$work/pods" || exit 1
awk -F '|' -v "since=${since##* }" '$3 !~ /Succeeded|Failed/ && $4 == ""' "$work/pods" >"$work/running"
awk -F '|' -v "since=${since##* }" '$2 != "" && $2 < since && $5 ~ "/var/run/secrets/kubernetes.io/serviceaccount" {
  print "pod " $1 }' "$work/running" >"$work/found"
awk -F '|' '{ split($1, pod, " "); n = split($6, names, " "); for (i = 1; i <= n; i++) print pod[1], names[i] }' \
  "$work/running" | sort -u >"$work/mounted"
grep -xFf "$work/mounted" "$work/stale" | sed 's/^/Secret /' >>"$work/found"
none_in "$work/found"
