"""The flags of kube-controller-manager and kube-scheduler that all hosts must agree on, and their leader lock."""

from __future__ import annotations

import msgspec

DEFAULTS = {
    "--leader-elect": "true",
    "--leader-elect-lease-duration": "15s",
    "--leader-elect-renew-deadline": "10s",
    "--leader-elect-retry-period": "2s",
    "--leader-elect-resource-lock": "leases",
    "--leader-elect-resource-namespace": "kube-system",
    "--leader-elect-resource-name": "",
    "--allocate-node-cidrs": "false",
    "--cloud-provider": "",
    "--cluster-cidr": "",
    "--cluster-name": "kubernetes",
    "--cluster-signing-cert-file": "",
    "--cluster-signing-key-file": "",
    "--config": "",
    "--configure-cloud-routes": "true",
    "--controllers": "*",
    "--feature-gates": "",
    "--node-cidr-mask-size": "",
    "--root-ca-file": "",
    "--service-account-private-key-file": "",
    "--service-cluster-ip-range": "",
    "--use-service-account-credentials": "false",
}
"""Every flag that is compared, with the value of a program that has it not; empty: none."""
SWITCHES = ("--leader-elect", "--allocate-node-cidrs", "--configure-cloud-routes", "--use-service-account-credentials")
"""Flags that are true when no value follows."""


class ComponentFlags(msgspec.Struct, frozen=True):
    """The flags of a running component that are in `DEFAULTS`; of others no value is kept."""

    component: str
    flags: tuple[tuple[str, str], ...] = ()

    def value(self, flag: str) -> str:
        return dict(self.flags).get(flag, DEFAULTS[flag])

    @property
    def takes_lock(self) -> bool:
        """Whether it works only while it holds a leader lock."""
        return self.value("--leader-elect").lower() not in ("false", "0", "f")

    @property
    def lock(self) -> str:
        """Namespace and name of its leader lock."""
        name = self.value("--leader-elect-resource-name") or self.component
        return f"{self.value('--leader-elect-resource-namespace')}/{name}"
