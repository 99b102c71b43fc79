"""The secrets of one join: a bootstrap token and the key of an upload of the certificates.

They are made in memory right before the join and passed on by standard input and the API's TLS, so that no plan, log,
argument list or file of a disk has them. The copies in the API are deleted after the join.
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta
from typing import Any

import msgspec
import yaml

from haconsole.configs.kubeadm import CA_HASH, KEY, TOKEN
from haconsole.model.secret import Secret
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind

LIFETIME = timedelta(minutes=30)
"""Of a token that is not deleted, because this console ended before."""
SECRETS = "/api/v1/namespaces/kube-system/secrets"
UPLOAD = "kubeadm-certs"
_LETTERS = string.ascii_lowercase + string.digits


class JoinCredentials(msgspec.Struct, frozen=True):
    """A token as kubeadm writes it (``abcdef.0123456789abcdef``), and a 32-byte key in hexadecimal."""

    token: Secret
    key: Secret


def make_credentials() -> JoinCredentials:
    """New ones, from the system's random numbers."""
    return JoinCredentials(Secret(f"{_random(6)}.{_random(16)}"), Secret(secrets.token_hex(32)))


def filled_in(config: str, credentials: JoinCredentials, ca_hashes: tuple[str, ...] = ()) -> str:
    """kubeadm's configuration with the secrets and the hashes of the CA's keys in their places."""
    values = {TOKEN: credentials.token.reveal(), KEY: credentials.key.reveal()}
    documents = (_filled(one, values, list(ca_hashes)) for one in yaml.safe_load_all(config))
    return "---\n".join(yaml.safe_dump(one, sort_keys=False) for one in documents)


def _filled(value: Any, values: dict[str, str], hashes: list[str]) -> Any:
    match value:
        case dict():
            return {name: _filled(one, values, hashes) for name, one in value.items()}
        case list():
            return hashes if value == [CA_HASH] else [_filled(one, values, hashes) for one in value]
        case str():
            return values.get(value, value)
        case _:
            return value


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


async def store_token(api: KubeApi, node: str, token: Secret, now: datetime) -> None:
    """Let the API accept the token."""
    identity, _, secret = token.reveal().partition(".")
    data = {
        "token-id": identity,
        "token-secret": secret,
        "description": _description(node),
        "expiration": f"{now + LIFETIME:%Y-%m-%dT%H:%M:%SZ}",
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }
    metadata = {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"}
    document = {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token"}
    await api.send("POST", SECRETS, {**document, "metadata": metadata, "stringData": data})


async def delete_credentials(api: KubeApi, node: str, *, upload: bool) -> None:
    """Delete the tokens that were made for joins of `node`, and the upload of the certificates with its owner."""
    body = await api.get(f"{SECRETS}?fieldSelector=type=bootstrap.kubernetes.io/token")
    for one in msgspec.json.decode(body, type=_Secrets).items:
        if one.text("description") == _description(node):
            await _delete(api, one.metadata.name)
    if upload:
        await _delete_upload(api)


async def _delete_upload(api: KubeApi) -> None:
    try:
        stored = msgspec.json.decode(await api.get(f"{SECRETS}/{UPLOAD}"), type=_Stored)
    except KubeError as error:
        if error.kind is KubeErrorKind.NOT_FOUND:
            return
        raise
    for owner in (*(one["name"] for one in stored.metadata.owner_references), UPLOAD):
        await _delete(api, owner)


async def _delete(api: KubeApi, name: str) -> None:
    try:
        await api.send("DELETE", f"{SECRETS}/{name}")
    except KubeError as error:
        if error.kind is not KubeErrorKind.NOT_FOUND:
            raise


def _description(node: str) -> str:
    return f"haconsole: join of {node}"


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    owner_references: tuple[dict[str, Any], ...] = ()


class _Stored(msgspec.Struct, frozen=True):
    metadata: _Meta
    data: dict[str, bytes] | None = None

    def text(self, name: str) -> str:
        return (self.data or {}).get(name, b"").decode(errors="replace")


class _Secrets(msgspec.Struct, frozen=True):
    items: tuple[_Stored, ...] = ()
