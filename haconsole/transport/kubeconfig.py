"""The client settings in a kubeconfig (kubernetes.io: Organizing Cluster Access Using kubeconfig Files)."""

from __future__ import annotations

import binascii
import posixpath
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from haconsole.errors import HaconsoleError
from haconsole.model.secret import Secret

_FILE_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

_INSTEAD = {"tokenFile": "token"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser allows tabs in JSON, as kubectl's does."""


class KubeCredentials(msgspec.Struct, frozen=True):
    """PEM bytes of the CA and of a client certificate with its key, or a bearer token instead of those two."""

    ca: bytes
    cert: bytes | None = None
    key: Secret | None = None
    token: Secret | None = None


class KubeconfigError(HaconsoleError):
    """A kubeconfig that cannot be used; the message holds nothing of its content but names."""


def files_named(kubeconfig: bytes, folder: str = "") -> tuple[str, ...]:
    """The files that the current context uses, for the caller to read on the kubeconfig's host.

    `folder` is the kubeconfig's own, at which relative paths start. A file beside embedded data is not used.
    """
    parts = current_entries(kubeconfig)
    return tuple(
        posixpath.join(folder, part[key])
        for part in parts
        for key in _FILE_KEYS
        if isinstance(part.get(key), str) and part[key] and not part.get(_INSTEAD.get(key, f"{key}-data"))
    )


def credentials_of(kubeconfig: bytes, files: Mapping[str, bytes], folder: str = "") -> KubeCredentials:
    """The current context's credentials; `files` holds the content of each of `files_named`."""
    cluster, user = (_with_full_paths(part, folder) for part in current_entries(kubeconfig))
    ca = _data(cluster, "certificate-authority", files)
    cert, key = _data(user, "client-certificate", files), _data(user, "client-key", files)
    token = _token(user, files)
    if ca is None:
        hint = "set certificate-authority or certificate-authority-data"
        raise KubeconfigError("the kubeconfig has no CA", hint=hint)
    if token is None and (cert is None or key is None):
        hint = "use a kubeconfig with a client certificate or a token, e.g. admin.conf"
        raise KubeconfigError("the kubeconfig's user has neither client certificate and key nor token", hint=hint)
    return KubeCredentials(ca, cert, Secret(key.decode("ascii", "replace")) if key else None, token)


def current_entries(kubeconfig: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster and the user of the current context in the first document, the only one that kubectl reads.

    Raises KubeconfigError where kubectl could not use the file.
    """
    try:
        document = next(yaml.load_all(kubeconfig, Loader=_LOADER), None)
    except (yaml.YAMLError, ValueError):
        raise KubeconfigError("the kubeconfig is not YAML") from None
    if not isinstance(document, dict):
        raise KubeconfigError("the kubeconfig is not a mapping")
    context = _entry_named(document, "contexts", "context", document.get("current-context"))
    cluster = _entry_named(document, "clusters", "cluster", context.get("cluster"))
    return cluster, _entry_named(document, "users", "user", context.get("user"))


def _entry_named(document: dict[str, Any], plural: str, singular: str, name: object) -> dict[str, Any]:
    items = document.get(plural)
    entries = [entry for entry in items if isinstance(entry, dict)] if isinstance(items, list) else []
    matches = [entry for entry in entries if entry.get("name") == name]
    if len(matches) > 1:
        raise KubeconfigError(f"the kubeconfig has more than one {singular} {name!r}", hint="remove all but one")
    value = matches[0].get(singular) if matches else None
    if isinstance(value, dict):
        return value
    raise KubeconfigError(
        f"the kubeconfig has no {singular} {name!r}",
        hint="check that current-context, its cluster and its user are in the kubeconfig",
    )


def _with_full_paths(part: dict[str, Any], folder: str) -> dict[str, Any]:
    named = (key for key in _FILE_KEYS if isinstance(part.get(key), str) and part[key])
    return {**part, **{key: posixpath.join(folder, part[key]) for key in named}}


def _data(part: dict[str, Any], name: str, files: Mapping[str, bytes]) -> bytes | None:
    """The base64 value in the kubeconfig, otherwise the named file's content; None when neither is given."""
    embedded, path = part.get(f"{name}-data"), part.get(name)
    if isinstance(embedded, str) and embedded:
        try:
            return b64decode(embedded.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise KubeconfigError(f"{name}-data of the kubeconfig is not base64") from None
    if not isinstance(path, str) or not path:
        return None
    if path not in files:
        raise KubeconfigError(f"{path}, which the kubeconfig names, was not found")
    return files[path]


def _token(user: dict[str, Any], files: Mapping[str, bytes]) -> Secret | None:
    token, path = user.get("token"), user.get("tokenFile")
    if isinstance(token, str) and token:
        return Secret(token)
    if not isinstance(path, str) or not path:
        return None
    if path not in files:
        raise KubeconfigError(f"{path}, which the kubeconfig names, was not found")
    return Secret(files[path].decode("ascii", "replace").strip())
