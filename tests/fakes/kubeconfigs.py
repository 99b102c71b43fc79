"""Random kubeconfigs, in the spellings of tools and people."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Material:
    """Texts of a CA, certificates and keys to choose from."""

    authorities: tuple[str, ...]
    certificates: tuple[str, ...]
    keys: tuple[str, ...]


class KubeconfigGenerator:
    """Writes a kubeconfig of a random form into a folder, with its files beside it."""

    def __init__(self, seed: int, folder: Path, material: Material) -> None:
        self._pick = random.Random(seed)
        self._folder = folder
        self._material = material

    def write(self) -> Path:
        names = ["a", "b-with-a-name-that-is-longer-than-thirty-two-letters", "c"][: self._pick.randint(1, 3)]
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "clusters": [{"name": f"k-{name}", "cluster": self._cluster(name)} for name in names],
            "users": [{"name": f"u-{name}", "user": self._user(name)} for name in names],
            "contexts": [
                {"name": f"{name}@k", "context": {"cluster": f"k-{name}", "user": f"u-{name}"}} for name in names
            ],
            "current-context": f"{self._pick.choice(names)}@k",
        }
        path = self._folder / "admin.conf"
        path.write_text(self._text(document))
        return path

    def _cluster(self, name: str) -> dict[str, Any]:
        server = self._pick.choice(("https://10.5.0.1:6443", f"https://api.{name}.example.org:6443", "https://[::1]"))
        return {"server": server, **self._part("certificate-authority", self._material.authorities)}

    def _user(self, name: str) -> dict[str, Any]:
        pair = {
            **self._part("client-certificate", self._material.certificates),
            **self._part("client-key", self._material.keys),
        }
        return self._pick.choice((pair, pair, {"token": f"eyJhbGciOiJSUzI1NiIsImtp.{name}.signature-of-the-token"}))

    def _part(self, name: str, texts: tuple[str, ...]) -> dict[str, Any]:
        """A CA, certificate or key, embedded or in a file; kubectl does not show one that is both."""
        text = self._pick.choice(texts)
        data, file = b64encode(text.encode()).decode(), self._file(name)
        (self._folder / file).parent.mkdir(exist_ok=True)
        (self._folder / file).write_text(text)
        if self._pick.random() < 0.3:
            width = self._pick.choice((20, 64, 76))
            data = "\n".join(data[at : at + width] for at in range(0, len(data), width)) + "\n"
        own = file if self._pick.random() < 0.6 else str(self._folder / file)
        return self._pick.choice(({f"{name}-data": data}, {name: own}))

    def _file(self, name: str) -> str:
        number = self._pick.randrange(9)
        return self._pick.choice(
            (f"{name}-{number}.pem", f"pki of this cluster/{name}-{number}.pem", f"{name.replace('-', '')}{number}")
        )

    def _text(self, document: dict[str, Any]) -> str:
        style = self._pick.choice((None, '"', "'", "|"))
        text = self._pick.choice(
            (
                yaml.safe_dump(document, width=self._pick.choice((40, 80, 10**6))),
                yaml.safe_dump(document, default_style=style, indent=self._pick.randint(2, 6)),
                yaml.safe_dump(document, default_flow_style=True),
                json.dumps(document),
                json.dumps(document, indent=self._pick.choice((2, "\t"))),
            )
        )
        return text if text.startswith("{") else f"# client-key-data: not this one\n{text}"
