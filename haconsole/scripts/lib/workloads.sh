#!/bin/sh
# Functions of the scripts about pods' credentials. They use `kube`, a kubectl, and the folder $work.
# workloads all|kube-system|ignore: a line NAMESPACE|KIND/NAME|MARK|STRATEGY for each workload that a rotation restarts.
workloads() {
  set -- "$(scope_of "$1")"
  kube get daemonsets,deployments,statefulsets "$1" -o \
    'jsonpath={range .items[*]}{.metadata.namespace}|{.kind}/{.metadata.name}|{.spec.template.metadata.annotations.haconsole/ca-rotation}|{.spec.updateStrategy.type}{"\n"}{end}'
}
# scope_of all|kube-system|ignore: kubectl's option for the namespaces.
scope_of() { if [ "$1" = all ]; then echo -A; else echo -nkube-system; fi; }
# is_available NAMESPACE KIND/NAME STRATEGY SECONDS: all pods are new and available. Nobody restarts pods of OnDelete.
is_available() { [ "$3" = OnDelete ] || kube rollout status -n "$1" "$2" --timeout="${4}s" </dev/null; }
# none_in FILE: fails for a file with lines, and prints the first 20 of them and the number of the others.
none_in() {
  [ -s "$1" ] || return 0
  { head -n 20 "$1"; sed '1,20d' "$1" | awk 'END { if (NR) print "and " NR " more" }'; } >&2
  return 1
}
