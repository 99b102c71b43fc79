"""X.509 certificates found on hosts, and those that processes present."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.names import HostName


class Certificate(msgspec.Struct, frozen=True):
    """A certificate in a file on a host.

    `role` names its use (``etcd-server``, ``apiserver``, ``kubernetes-ca`` …); `fingerprint` is SHA-256 in lower-case
    hexadecimal; `sans` are like ``DNS:cp1`` and ``IP:10.99.0.11``. `served_at` is the ``address:port`` where a process
    presents this file's certificate and `served_fingerprint` the leaf it presented; both None for files that no process
    serves. `key_matches` and `key_mode` describe the private key beside it, None if there is none. `in_kubeconfig`: it
    is embedded in a kubeconfig, with its key. `chain_ok` is whether it verifies with the CA in use and `issued_by` is
    that CA's fingerprint, None if none of those in use signed it. `missing_names` are names that clients use and it
    lacks. `problem` is a sentence, None when all is well.
    """

    host: HostName
    path: str
    role: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sans: tuple[str, ...]
    fingerprint: str
    is_ca: bool
    served_at: str | None = None
    served_fingerprint: str | None = None
    key_path: str | None = None
    key_matches: bool | None = None
    key_mode: int | None = None
    chain_ok: bool | None = None
    issued_by: str | None = None
    in_kubeconfig: bool = False
    missing_names: tuple[str, ...] = ()
    missing_usages: tuple[str, ...] = ()
    """Uses that its role needs and its extended key usage does not allow: ``server``, ``client``."""
    problem: str | None = None

    def days_left(self, now: datetime) -> int:
        """Whole days until `not_after`; negative once expired."""
        return (self.not_after - now).days


class TokenKeys(msgspec.Struct, frozen=True):
    """A file of keys that service accounts' tokens are signed or verified with.

    `fingerprints` are SHA-256 of the public halves, in the file's order; `private`: it holds the private half.
    """

    path: str
    mode: int
    private: bool
    fingerprints: tuple[str, ...]
