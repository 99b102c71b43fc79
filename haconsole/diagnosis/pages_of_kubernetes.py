"""Why each finding about API servers, components, leases, kubelets, pods and nodes matters, and its check by hand."""

from __future__ import annotations

from haconsole.diagnosis.page import Page

KUBERNETES_PAGES: dict[str, Page] = {
    "apiserver.down": Page(
        "Clients of this API server need another API server. If no API server is left, nothing can be changed.",
        "systemctl status kube-apiserver or crictl ps -a; curl -k https://HOST:6443/readyz",
    ),
    "apiserver.not-ready": Page(
        "Balancers that check /readyz send no requests to this API server.", "curl -k https://HOST:6443/readyz?verbose"
    ),
    "apiserver.etcd-servers-stale": Page(
        "The API server connects to removed members, or uses too few of the current members.",
        "tr '\\0' '\\n' </proc/$(pidof kube-apiserver)/cmdline | grep etcd-servers",
    ),
    "apiserver.flags-differ": Page(
        "The result of a request depends on the API server that handles it.",
        "tr '\\0' '\\n' </proc/$(pidof kube-apiserver)/cmdline on each control plane, then diff",
    ),
    "component.flags-differ": Page(
        "With different leader locks two instances are active. Other differences take effect when the leader changes.",
        "tr '\\0' '\\n' </proc/$(pidof kube-scheduler)/cmdline on each control plane, then diff; kubectl get leases -n "
        "kube-system",
    ),
    "apiserver.wrong-address": Page(
        "Pods reach the API through the addresses that API servers advertise; each connection to this one fails.",
        "kubectl get endpoints kubernetes; ip address show on the control plane",
    ),
    "component.down": Page(
        "When the last instance is down, scheduling or the controllers stop.",
        "systemctl status kube-scheduler kube-controller-manager",
    ),
    "lease.expired": Page(
        "Until another instance takes the lock, the component does no work.", "kubectl -n kube-system get lease"
    ),
    "lease.holder-unknown": Page(
        "A component outside the inventory works on this cluster.", "kubectl -n kube-system get lease -o wide"
    ),
    "lease.no-standby": Page(
        "If the only instance fails, no other takes over.",
        "systemctl is-active kube-scheduler kube-controller-manager on each control plane",
    ),
    "kubelet.down": Page(
        "Pods of the host are neither started nor reported, static pods included.",
        "systemctl status kubelet; journalctl -u kubelet -n 50",
    ),
    "kubelet.waits-for-api": Page(
        "After a cold start the control plane stays down: kubelet waits for the API server that it should start.",
        "crictl ps -a; journalctl -u kubelet -n 50; curl -vk --max-time 5 https://ENDPOINT/readyz",
    ),
    "kubelet.cert-expired": Page(
        "The API server refuses kubelet: the node turns NotReady. kubelet cannot renew an expired certificate.",
        "openssl x509 -noout -enddate -in /var/lib/kubelet/pki/kubelet-client-current.pem",
    ),
    "runtime.down": Page("kubelet can start no container.", "systemctl status containerd; crictl info"),
    "runtime.cri-disabled": Page(
        "kubelet cannot talk to containerd, so no container starts.",
        "grep disabled_plugins /etc/containerd/config.toml",
    ),
    "runtime.cgroup-driver": Page(
        "Two cgroup drivers on one host make pods restart under load.",
        "grep SystemdCgroup /etc/containerd/config.toml; grep cgroupDriver /var/lib/kubelet/config.yaml",
    ),
    "static-pod.manifest-missing": Page(
        "kubelet stops a component whose manifest is gone.", "ls /etc/kubernetes/manifests"
    ),
    "static-pod.stray-manifest": Page(
        "If two manifests define the same pod, kubelet uses only one of them, and a change of the other has no effect.",
        "grep -H 'name:' /etc/kubernetes/manifests/*",
    ),
    "static-pod.unreadable-manifest": Page(
        "kubelet ignores the file, so the component does not run.", "journalctl -u kubelet | grep manifest"
    ),
    "static-pod.crash-loop": Page("The component is down most of the time.", "crictl ps -a; crictl logs CONTAINER"),
    "static-pod.not-started": Page(
        "The component of the manifest does not run.", "journalctl -u kubelet -n 50; crictl pods"
    ),
    "node.not-ready": Page(
        "Kubernetes moves its pods to other nodes after some minutes.", "kubectl describe node NODE"
    ),
    "node.lease-stale": Page(
        "Pods are scheduled on a node that may be gone.", "kubectl -n kube-node-lease get lease NODE -o yaml"
    ),
    "node.pressure": Page(
        "kubelet evicts pods to free the resource that is short.", "kubectl describe node NODE; df -h; free -m"
    ),
    "node.cordoned": Page("New pods are placed elsewhere.", "kubectl get nodes"),
    "kubeadm.config-stale": Page(
        "kubeadm uses these records: with a wrong record, a join or an upgrade fails, or brings back an old setting.",
        "kubectl -n kube-system get configmap kubeadm-config -o yaml; "
        "kubectl -n kube-public get configmap cluster-info -o yaml",
    ),
    "kubeadm.leftovers": Page(
        "The host does no work for the cluster, and kubeadm refuses to join it.",
        "ls /etc/kubernetes /etc/kubernetes/manifests; kubectl get nodes",
    ),
    "node.missing": Page("The host runs no pods of the cluster.", "kubectl get nodes"),
}
