"""The form values that the row under the cursor fills in."""

from __future__ import annotations

from haconsole.actions.catalogue import Action
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.host_of_row import host_of
from haconsole.present.offers import given_by
from haconsole.present.row_keys import RowKey, VipKey

TARGET = "to"
"""The argument that names the host a VIP moves to."""


def prefilled(action: Action, subject: RowKey | None, snapshot: ClusterSnapshot | None) -> dict[str, str]:
    """The host of the row if an argument takes one, and its VIP; nothing for a dangerous action.

    A VIP's owner is never filled in as the target: the VIP is already there.
    """
    if action.dangerous:
        return {}
    filled = given_by(action, host_of(subject, snapshot))
    if snapshot is not None and filled.get(TARGET) in _owners(subject, snapshot):
        del filled[TARGET]
    names = {argument.name for argument in action.arguments}
    return {"vip": subject.address, **filled} if isinstance(subject, VipKey) and "vip" in names else filled


def _owners(subject: RowKey | None, snapshot: ClusterSnapshot) -> frozenset[HostName]:
    """The owners of the row's VIP, or of any VIP if the row has none."""
    address = subject.address if isinstance(subject, VipKey) else None
    return frozenset(host for view in vip_views(snapshot) if address in (None, view.address) for host in view.owners)
