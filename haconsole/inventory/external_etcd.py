"""The inventory's part about an external etcd: its endpoints, and the client certificate and key for it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from haconsole.inventory.values import LocalPath, Part

EtcdUrl = Annotated[
    str,
    Meta(
        pattern=r"^https://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):[0-9]{1,5}$",
        title="the https URL of an etcd member with its port",
        examples=["https://10.0.0.31:2379", "https://etcd-1.example.org:2379"],
        extra={"kind": "etcd-url"},
    ),
]


class ExternalEtcd(Part, frozen=True, kw_only=True):
    """An etcd whose hosts are not in the inventory. Control planes query it; its members are not changed."""

    endpoints: Annotated[
        tuple[EtcdUrl, ...],
        Meta(
            min_length=1,
            max_length=9,
            title="a list of URLs",
            examples=[["https://10.0.0.31:2379"]],
            description="Client URL of every member, as API servers use it.",
        ),
    ]
    ca_cert: Annotated[LocalPath, Meta(description="CA certificate of the members; a file on this machine.")]
    client_cert: Annotated[LocalPath, Meta(description="Client certificate of API servers; a file on this machine.")]
    client_key: Annotated[LocalPath, Meta(description="Private key of client_cert; sent to the first control plane.")]
