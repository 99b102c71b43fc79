"""Shell functions that find what kubelet was given: by its process, or by its unit while it does not run."""

FUNCTIONS = r"""
kubelet_words() {
  for process in $(pidof kubelet); do
    tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null |
      sed -n -e ':a' -e '$!{N;ba' -e '}' -e 's/\n\(--*[a-z-]*\)\n\([^-]\)/\n\1=\2/g' -e p
    return
  done
  { timeout 3 systemctl show -p Environment --value kubelet.service
    cat /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/sysconfig/kubelet
  } 2>/dev/null | tr ' "' '\n\n' | grep -e '^--' -e '=--' | sed 's/^[A-Z_]*=--/--/'
}
kubelet_flag() { kubelet_words | sed -n "s/^--*$1=//p" | tail -n 1; }
kubelet_config() { path=$(kubelet_flag config); printf '%s\n' "${path:-/var/lib/kubelet/config.yaml}"; }
static_pod_folder() {
  path=$(kubelet_flag pod-manifest-path)
  [ -n "$path" ] || path=$(sed -n "s/^staticPodPath: *[\"']\{0,1\}\([^\"']*\).*/\1/p" "$(kubelet_config)" 2>/dev/null)
  printf '%s\n' "${path:-/etc/kubernetes/manifests}"
}
""".strip()
