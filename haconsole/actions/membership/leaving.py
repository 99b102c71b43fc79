"""What is left to do on a host that leaves: everything stopped, its data and keys set aside."""

from __future__ import annotations

from haconsole.actions.membership.change import Change
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import set_aside_step, stop_step
from haconsole.model.balancer_files_view import any_foreign
from haconsole.model.hosts import Role

PHASE = "leaving"
STOP_WHY = "It is no part of the cluster any more: a removed member ends by itself, and would only be started again."
ASIDE_WHY = (
    "Nothing is deleted: data and keys keep their place under another name, where no service finds them. Remove them "
    "when they are no longer wanted; the keys are still good."
)


def etcd_stopped(change: Change) -> tuple[Group, ...]:
    """etcd on the host that left, right after its member is off the list."""
    out, unit = change.out, change.layout.etcd.unit
    if out is None or unit is None or not change.out_answers or Role.ETCD not in out.roles:
        return ()
    return ((stop_step("etcd.stop", out.name, (unit,), title="Stop etcd", why=STOP_WHY, phase=PHASE),),)


def host_out(change: Change) -> tuple[Group, ...]:
    """haproxy stopped, data and keys renamed."""
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
        title = "Set its data and keys aside"
        groups.append((set_aside_step("leaving.aside", out.name, paths, end, title=title, why=ASIDE_WHY, phase=PHASE),))
    return tuple(groups)


def _paths(change: Change) -> tuple[str, ...]:
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
