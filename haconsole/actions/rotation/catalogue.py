"""The rotation of certificates as the catalogue lists it."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind
from haconsole.actions.rotation.ca.plan import ACTION
from haconsole.actions.rotation.ca.replacing import Phase
from haconsole.actions.rotation.plan import plan_rotation
from haconsole.actions.rotation.wanted import ALL, ETCD, KUBERNETES


def rotation_actions() -> tuple[Action, ...]:
    """One action for leaves and CAs."""
    return (
        Action(
            name=ACTION,
            title="Rotate certificates",
            help=(
                "Replace certificates by new ones with new keys and the names the inventory asks for today, one host "
                "at a time; nothing is restarted that serves the new one by itself. Works too where they have ended "
                "and nothing answers but SSH. With ca the CAs are replaced as well, in three phases that may "
                "be days apart."
            ),
            arguments=(
                Argument("scope", ArgumentKind.CHOICE, "those of this part alone", choices=(ETCD, KUBERNETES, ALL)),
                Argument("host", ArgumentKind.HOST, "those of this host alone"),
                Argument(
                    "ca", ArgumentKind.FLAG, "replace the CAs too: both trusted, new leaves, the older one dropped"
                ),
                Argument(
                    "phase",
                    ArgumentKind.CHOICE,
                    "with ca: this phase only",
                    choices=tuple(one.value for one in Phase),
                ),
                Argument("back", ArgumentKind.FLAG, "with ca: undo the rotation; possible until the last phase"),
                Argument("due", ArgumentKind.FLAG, "only those due within 30 days or not as the inventory asks"),
            ),
            planner=plan_rotation,
            certificates=True,
        ),
    )
