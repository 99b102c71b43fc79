#!/bin/sh
# Prints the files that manifests of static pods name, as flags of their component, and reads each with `follow`.
# So they are known also while the component does not run.
# uses lib/kubelet
manifest_files() {
  printf '\n@process %s\n' "$1"
  sed -n "s/^ *- *[\"']\{0,1\}--\([a-z-]*\(cert\|ca\|key\|kubeconfig\|certificate\|authority\)[a-z-]*=\/[^\"' ]*\).*/\1/p" "$2" |
    sort -u
}
components='etcd\|kube-apiserver\|kube-controller-manager\|kube-scheduler'
for manifest in "$(static_pod_folder)"/*; do
  [ -f "$manifest" ] || continue
  component=$(sed -n "s/^ *- *[\"']\{0,1\}\($components\)[\"']\{0,1\}$/\1/p" "$manifest" | head -n 1)
  [ -n "$component" ] || continue
  files=$(manifest_files "$component" "$manifest")
  printf '\n%s\n' "$files"
  while IFS== read -r flag file; do case $file in /*) follow "$flag" "$file" ;; esac; done <<END
$files
END
done 2>/dev/null
