"""The cases of `tests.hosts.chaos` on a cluster of kubeadm's: three stacked control planes and a worker.

They begin from a saved cluster, or from one that is made first. Each state is the disks of all hosts.
"""

from __future__ import annotations

from haconsole.lab.lab import Lab
from haconsole.lab.making import hosts_of, side_by_side
from tests.hosts.chaos_cases import DOWN, Case, Kind, State

HOSTS = ("cp1", "cp2", "cp3", "w1")
ADMIN, PKI = "/etc/kubernetes/admin.conf", "/etc/kubernetes/pki"
KUBECTL = f"kubectl --kubeconfig={ADMIN} --request-timeout=5s"
ETCDCTL = (
    f"ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert={PKI}/etcd/ca.crt"
    f" --cert={PKI}/etcd/healthcheck-client.crt --key={PKI}/etcd/healthcheck-client.key --command-timeout=5s"
)
RESET = """
systemctl disable --quiet --now haproxy keepalived
kubeadm reset --force >/dev/null 2>&1
systemctl disable --quiet --now kubelet
rm -rf /etc/kubernetes /var/lib/etcd /var/lib/kubelet/pki /var/lib/kubelet/config.yaml /root/.kube
rm -f /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf /etc/keepalived/check_apiserver.sh
mkdir -p /etc/kubernetes/manifests
"""
"""A host as it was before kubeadm init, without the balancers of the site's own."""

WORKLOADS = """
for one in daemonset/kube-proxy deployment/coredns; do
  KUBECTL -n kube-system rollout status --timeout=5s $one >/dev/null 2>&1 || exit 0
done
"""
"""The first step of a rotation of CAs fails while one of them only starts, as after a boot."""
SETTLED = f"""
if [ -e {ADMIN} ]; then
  curl -sfk --max-time 5 https://127.0.0.1:6443/readyz >/dev/null && {ETCDCTL} endpoint health >/dev/null 2>&1 &&
    ! {KUBECTL} get nodes --no-headers | grep -q NotReady && echo well
else
  systemctl -q is-active kubelet && echo well
fi
"""
SETTLED_WITH_WORKLOADS = f"if [ -e {ADMIN} ]; then {WORKLOADS.replace('KUBECTL', KUBECTL)}fi{SETTLED}"
LOOK = f"""
find /etc/kubernetes /etc/haproxy /etc/keepalived /var/lib/haconsole/static-pods -path /etc/kubernetes/tmp -prune \
  -o -type f -printf 'file %p %m %u\\n' 2>/dev/null
for unit in kubelet containerd haproxy keepalived; do
  echo "unit $unit $(systemctl show -p ActiveState,UnitFileState --value $unit | tr '\\n' ' ')"
done
for name in $(ls /run/haconsole 2>/dev/null); do echo "left $name"; done
[ ! -e {DOWN} ] || echo "down"
nft list tables 2>/dev/null | grep haconsole | sed 's/^/drops /'
[ ! -e /var/lib/haconsole/lock/holder ] || [ ! -s /var/lib/haconsole/lock/holder ] || echo "locked"
[ ! -e {PKI}/ca.crt ] || echo "authority $(cat {PKI}/ca.crt {PKI}/etcd/ca.crt {PKI}/sa.pub 2>/dev/null | sha256sum)"
if [ -e {ADMIN} ]; then
  echo "members $({ETCDCTL} member list -w json 2>/dev/null)"
  {KUBECTL} get nodes -o name 2>/dev/null | sed 's/^/node /'
  {KUBECTL} -n kube-system get secrets -o name 2>/dev/null |
    grep -cE 'bootstrap-token-|kubeadm-certs' | sed 's/^/secrets /'
fi
"""
"""A worker has only the cluster's CA, and so an authority line of its own."""


def reset_all(lab: Lab) -> None:
    """Have every host as it was before the cluster was made."""

    def reset(name: str) -> None:
        result = lab.exec(name, "sh", "-c", RESET, deadline_s=180)
        assert result.returncode == 0, f"{name}: {result.stdout}{result.stderr}"

    side_by_side(lambda host: reset(host.name), hosts_of(lab.spec, lab.folder))


KUBEADM_STATES: dict[str, State] = {
    "kubeadm": State("kubeadm", HOSTS, kind=Kind.KUBEADM),
    "kubeadm-working": State("kubeadm", HOSTS, kind=Kind.KUBEADM, workloads=True),
    "kubeadm-bare": State("kubeadm", HOSTS, prepare=reset_all, kind=Kind.KUBEADM, down=HOSTS),
    "kubeadm-two": State("kubeadm", HOSTS, ("remove", "cp3"), kind=Kind.KUBEADM, down=("cp3",)),
}
"""The first one is where a lab begins: it is never made from another."""


def _case(*action: str, start: str = "kubeadm", weight: int) -> Case:
    return Case(action, start, HOSTS, kubeadm=True, weight=weight)


KUBEADM_CASES: dict[str, Case] = {
    "kubeadm-bootstrap": _case("bootstrap", start="kubeadm-bare", weight=200),
    "kubeadm-join": _case("join", "cp3", start="kubeadm-two", weight=120),
    "kubeadm-remove": _case("remove", "cp3", weight=100),
    "kubeadm-replace": _case("replace", "cp2", "cp3", start="kubeadm-two", weight=180),
    "kubeadm-rotate-certs": _case("rotate-certs", weight=120),
    "kubeadm-rotate-cas": _case("rotate-certs", "--ca", start="kubeadm-working", weight=250),
}
