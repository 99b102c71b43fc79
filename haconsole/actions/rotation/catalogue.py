"""The entry of rotate-certs in the catalogue: its arguments and description."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind
from haconsole.actions.rotation.ca.plan import ACTION
from haconsole.actions.rotation.ca.replacing import Phase
from haconsole.actions.rotation.ca.workloads import Workloads
from haconsole.actions.rotation.desired import ALL, ETCD, KUBERNETES
from haconsole.actions.rotation.plan import plan_rotation


def rotation_actions() -> tuple[Action, ...]:
    """One action for leaves and CAs."""
    return (
        Action(
            name=ACTION,
            title="Rotate certificates",
            help=(
                "Replace certificates and keys one host at a time. The new certificates contain the names that "
                "the inventory has now. Only services that cannot reload certificates are restarted. Also works "
                "if certificates have expired and hosts answer only by SSH. With ca the CAs are replaced too, in "
                "three phases that may be days apart."
            ),
            arguments=(
                Argument(
                    "scope", ArgumentKind.CHOICE, "only certificates of this part", choices=(ETCD, KUBERNETES, ALL)
                ),
                Argument("host", ArgumentKind.HOST, "only certificates of this host"),
                Argument(
                    "ca",
                    ArgumentKind.FLAG,
                    "replace the CAs too: trust both CAs, issue new certificates, drop the old CA",
                ),
                Argument(
                    "phase",
                    ArgumentKind.CHOICE,
                    "with ca: run only this phase",
                    choices=tuple(one.value for one in Phase),
                ),
                Argument("back", ArgumentKind.FLAG, "with ca: undo the rotation; possible until the last phase"),
                Argument(
                    "workloads",
                    ArgumentKind.CHOICE,
                    "with ca, on kubeadm clusters: workloads to restart (default kube-system). The run stops "
                    "before the last phase if other pods still have old credentials; with ignore it continues",
                    choices=tuple(one.value for one in Workloads),
                ),
                Argument(
                    "due",
                    ArgumentKind.FLAG,
                    "only certificates that expire within 30 days or differ from the inventory",
                ),
            ),
            planner=plan_rotation,
            certificates=True,
        ),
    )
