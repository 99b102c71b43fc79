"""Writes through the endpoint of a kubeadm cluster while something is done to it, with admin.conf's identity."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from haconsole.lab.lab import Lab
from tests.hosts.kubeadm_cluster import ADMIN
from tests.hosts.load import Load, holder, read

CONFIG_MAP = "/api/v1/namespaces/default/configmaps/load"


class EndpointWriter(Load):
    """Changes a ConfigMap through the endpoint, over a new connection each time, and never tries a write twice."""

    def __init__(self, lab: Lab, folder: Path, *, pause_s: float = 0.1) -> None:
        super().__init__()
        address, _, port = lab.spec.endpoint.rpartition(":")
        self._address, self._port, self._pause_s = address, int(port), pause_s
        self._tls = _client_of(read(lab, holder(lab, ADMIN), ADMIN), folder)
        self._write("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "load"}}, (201, 409))

    def _run(self) -> None:
        number = 0
        while not self._over.wait(self._pause_s):
            start = time.monotonic()
            number += 1
            try:
                self._once(number)
            except (OSError, http.client.HTTPException) as error:
                self.counts.failed += 1
                self.counts.say("failed", start, [repr(error)])
                continue
            self.counts.successes += 1
            self.counts.slowest_s = max(self.counts.slowest_s, time.monotonic() - start)

    def _once(self, number: int) -> None:
        self._write("PATCH", CONFIG_MAP, {"data": {"number": str(number)}}, (200,))

    def _write(self, method: str, path: str, body: dict[str, Any], good: tuple[int, ...]) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        connection = http.client.HTTPSConnection(self._address, self._port, timeout=15, context=self._tls)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            with suppress(OSError):
                connection.close()
        if answer.status not in good:
            raise http.client.HTTPException(f"status {answer.status}: {text[:200]!r}")


class EndpointReader(EndpointWriter):
    """Reads that ConfigMap through the endpoint in the same way."""

    def _once(self, number: int) -> None:
        self._write("GET", CONFIG_MAP, {}, (200,))


def _client_of(kubeconfig: bytes, folder: Path) -> ssl.SSLContext:
    """The identity that a kubeconfig embeds."""
    folder.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load(kubeconfig)
    user, cluster = document["users"][0]["user"], document["clusters"][0]["cluster"]
    parts = {
        "ca": cluster["certificate-authority-data"],
        "client": user["client-certificate-data"],
        "key": user["client-key-data"],
    }
    for name, data in parts.items():
        path = folder / f"{name}.pem"
        path.touch(0o600)
        path.write_bytes(b64decode(data))
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "client.pem", folder / "key.pem")
    return context
