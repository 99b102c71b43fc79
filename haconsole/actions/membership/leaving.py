"""The steps that clean up a leaving host: stop all services, and rename its data and keys."""

from __future__ import annotations

from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import set_aside_step, stop_step
from haconsole.model.balancer_files_view import any_foreign
from haconsole.model.hosts import Role

PHASE = "leaving"
STOP_WHY = "The host is no longer part of the cluster. A removed member exits, and systemd would only restart it."
ASIDE_WHY = (
    "Nothing is deleted: data and keys are renamed, so that no service finds them. Delete them when you no "
    "longer need them; the keys are still valid."
)


def etcd_stopped(change: MembershipChange) -> tuple[Group, ...]:
    """etcd on the leaving host, right after its member is removed from the list."""
    out, unit = change.out, change.layout.etcd.unit
    if out is None or unit is None or not change.out_answers or Role.ETCD not in out.roles:
        return ()
    return ((stop_step("etcd.stop", out.name, (unit,), title="Stop etcd", why=STOP_WHY, phase=PHASE),),)


def host_out(change: MembershipChange) -> tuple[Group, ...]:
    """Stop haproxy, rename data and keys."""
    out = change.out
    if out is None or not change.out_answers:
        return ()
    groups: list[Group] = []
    if Role.LOAD_BALANCER in out.roles and change.layout.haproxy:
        units = (change.layout.haproxy.unit,)
        groups.append((stop_step("haproxy.stop", out.name, units, title="Stop haproxy", why=STOP_WHY, phase=PHASE),))
    paths = _paths(change)
    if paths:
        end = f"removed-{change.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
        title = "Rename the host's data and keys"
        groups.append((set_aside_step("leaving.aside", out.name, paths, end, title=title, why=ASIDE_WHY, phase=PHASE),))
    return tuple(groups)


def _paths(change: MembershipChange) -> tuple[str, ...]:
    out, etcd, kubernetes = change.out, change.layout.etcd, change.layout.kubernetes
    if out is None:
        return ()
    paths: list[str] = []
    if Role.ETCD in out.roles:
        paths += [etcd.member_dir, *((etcd.pki.ca.cert.rpartition("/")[0],) if etcd.pki else ())]
    if Role.CONTROL_PLANE in out.roles and kubernetes:
        paths += [kubernetes.pki_dir]
        paths += [one.kubeconfig for one in (kubernetes.admin, kubernetes.controller_manager, kubernetes.scheduler)]
    keepalived = change.layout.keepalived
    balances = Role.LOAD_BALANCER in out.roles
    if balances and keepalived and not any_foreign(change.snapshot, out.name, (keepalived.config_file,)):
        paths.append(keepalived.config_file)
    return tuple(dict.fromkeys(paths))
