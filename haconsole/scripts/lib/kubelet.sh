#!/bin/sh
# Functions that find kubelet's settings: those of its process, or of its unit while it does not run.
kubelet_words() {
  for process in $(pidof kubelet); do
    tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null |
      sed -n -e ':a' -e '$!{N;ba' -e '}' -e 's/\n\(--*[a-z-]*\)\n\([^-]\)/\n\1=\2/g' -e p
    return
  done
  { timeout 3 systemctl show -p Environment --value kubelet.service
    cat /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/sysconfig/kubelet
  } 2>/dev/null | tr ' "' '[\n*]' | grep -e '^--' -e '=--' | sed 's/^[A-Z_]*=--/--/'
}
kubelet_flag() { kubelet_words | sed -n "s/^--*$1=//p" | tail -n 1; }
kubelet_config() { file=$(kubelet_flag config); printf '%s\n' "${file:-/var/lib/kubelet/config.yaml}"; }
kubelet_setting() { # also from JSON; files of --config-dir follow in order and override
  folder=$(kubelet_flag config-dir)
  { cat "$(kubelet_config)"; [ -z "$folder" ] || find "$folder" -name '*.conf' | sort | while IFS= read -r file; do
    cat "$file"; done; } 2>/dev/null |
    sed -n "s/^[ \t{]*[\"']\{0,1\}$1[\"']\{0,1\}: *[\"']\{0,1\}\([^\"',} ]*\).*/\1/p" | tail -n 1
}
static_pod_folder() {
  path=$(kubelet_flag pod-manifest-path)
  [ -n "$path" ] || path=$(kubelet_setting staticPodPath)
  printf '%s\n' "${path:-/etc/kubernetes/manifests}"
}
