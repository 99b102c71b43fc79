"""The programs that each part of a cluster needs on its hosts, with their versions and packages."""

from __future__ import annotations

from haconsole.actions.bootstrap import scripts
from haconsole.actions.build import script
from haconsole.actions.checks import Check
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.configs.kubernetes import version_of
from haconsole.inventory.schema import Host, Kubernetes

OLDEST_KUBERNETES = "1.20"
OLDEST_WITHOUT_VERSION = "1.24"
"""Older versions have other flags, so the inventory has to specify them."""


def programs(ctx: PlanContext, host: Host) -> tuple[Check, ...]:
    """One check for each program that the parts on `host` use."""
    parts = ctx.parts_on(host)
    checks: list[Check] = []
    if BootstrapPart.ETCD in parts and ctx.layout.etcd.unit:
        binary = ctx.layout.etcd.binary
        checks.append(
            _program(
                "3.4",
                (binary, "--version"),
                "install the package etcd-server, or a release of etcd (setting etcd.binary)",
            )
        )
    if BootstrapPart.HAPROXY in parts:
        checks.append(_program("2.0", ("haproxy", "-v"), "install the package haproxy"))
    if BootstrapPart.KEEPALIVED in parts:
        checks.append(_program("2.0", ("keepalived", "-v"), "install the package keepalived"))
    if {BootstrapPart.ETCD, BootstrapPart.KUBERNETES} & set(parts):
        checks.append(_program("1.1", ("openssl", "version"), "install the package openssl"))
    if BootstrapPart.KUBERNETES in parts and ctx.inventory.kubernetes:
        checks += _kubernetes(ctx, ctx.inventory.kubernetes)
    return tuple(checks)


def _kubernetes(ctx: PlanContext, settings: Kubernetes) -> tuple[Check, ...]:
    series = settings.version.removeprefix("v") if settings.version else ""
    oldest = OLDEST_KUBERNETES if version_of(settings.version) else OLDEST_WITHOUT_VERSION
    there = f"put the release's binaries into {settings.binary_dir}"
    hint = f"{there}, or set kubernetes.version to the installed version" + (
        "" if series else "; 1.20 to 1.23 need that setting, because their flags differ"
    )
    components = ctx.layout.kubernetes.components if ctx.layout.kubernetes else ()
    return tuple(_program(oldest, (component.binary, "--version"), hint, series) for component in components)


def _program(atleast: str, command: tuple[str, ...], hint: str, series: str = "") -> Check:
    version = f"version {series}" if series else f"version {atleast} or newer"
    return script(
        scripts.PROGRAM,
        "program",
        atleast,
        series,
        *command,
        means=f"{command[0]} is {version}",
        problem=f"{command[0]} is needed in {version}: {hint}",
        timeout_s=30.0,
    )
