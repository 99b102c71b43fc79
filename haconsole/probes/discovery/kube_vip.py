"""kube-vip's settings, from its manifest in kubelet's folder of static pods.

`kube-vip manifest pod` writes every setting as an environment variable; 0.3 has vip_address in place of address, and
releases before 0.6 have no vip_leasename.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from haconsole.inventory.component_settings import KubeVip
from haconsole.inventory.importers.draft import Settings, address_of
from haconsole.probes.script import SectionAnswer

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEFAULT_LEASE = "plndr-cp-lock"
_NAMESPACE = "kube-system"
SCRIPT = r"""
for path in "$(static_pod_folder)"/*; do
  if [ -f "$path" ] && grep -qs kube-vip "$path"; then
    echo @manifest
    head -c 65536 "$path" | sed -e '/name: *"*\(PACKET\|bgp\)_/{n;s/value:.*/value: hidden/;}' -e 's/^/| /'
  fi
done
""".strip()
"""Prints every manifest that names kube-vip, without passwords and tokens."""


class KubeVipSettings(msgspec.Struct, frozen=True):
    """kube-vip's own settings; `address` may be a name."""

    address: str
    lease: str = _DEFAULT_LEASE
    namespace: str = _NAMESPACE
    arp: bool = False
    elects: bool = False
    """Whether it decides by the lease who has the address."""

    @property
    def unwatched(self) -> str:
        """The reason why no inventory can hold it; empty where one can."""
        if not self.arp:
            return "kube-vip announces the address by routes: several hosts have it, and that is right"
        if not self.elects:
            return "kube-vip runs without leader election"
        if self.namespace != _NAMESPACE:
            return f"its lease is in the namespace {self.namespace}"
        return "" if address_of(self.address) else f"its address is a name, {self.address}"


def parse(answer: SectionAnswer) -> KubeVipSettings | None:
    """The settings for the control plane in the first manifest that has them; None where there is none."""
    return next(filter(None, map(_settings, _manifests(answer.output))), None)


def inventory_part(settings: KubeVipSettings | None) -> Settings:
    """The part `kube_vip` of an inventory; empty where its VIP cannot be watched."""
    if settings is None or settings.unwatched:
        return {}
    lease = {} if settings.lease == KubeVip(address="").lease else {"lease": settings.lease}
    return {"address": address_of(settings.address), **lease}


def _manifests(text: str) -> Iterator[Any]:
    for part in f"\n{text}".split("\n@manifest")[1:]:
        lines = "\n".join(line[2:] for line in part.splitlines() if line.startswith("| "))
        try:
            yield yaml.load(lines, Loader=_LOADER)  # noqa: S506 (one of the two safe loaders)
        except (yaml.YAMLError, ValueError, RecursionError):
            continue


def _settings(document: Any) -> KubeVipSettings | None:
    variables = dict(_variables(document))
    address = variables.get("vip_address") or variables.get("address")
    if not address or variables.get("cp_enable", "true") != "true":
        return None
    return KubeVipSettings(
        address=address.partition("/")[0],
        lease=variables.get("vip_leasename") or _DEFAULT_LEASE,
        namespace=variables.get("cp_namespace") or _NAMESPACE,
        arp=variables.get("vip_arp") == "true",
        elects=variables.get("vip_leaderelection") == "true",
    )


def _variables(document: Any) -> Iterator[tuple[str, str]]:
    """The variables with values of the containers whose image is kube-vip's."""
    spec = document.get("spec") if isinstance(document, dict) and document.get("kind") == "Pod" else None
    containers = spec.get("containers") if isinstance(spec, dict) else None
    for container in containers if isinstance(containers, list) else ():
        if not isinstance(container, dict) or "kube-vip" not in str(container.get("image", "")):
            continue
        listed = container.get("env")
        for variable in listed if isinstance(listed, list) else ():
            if isinstance(variable, dict) and variable.get("value") is not None:
                value = variable["value"]
                yield str(variable.get("name")), str(value).lower() if isinstance(value, bool) else str(value)
