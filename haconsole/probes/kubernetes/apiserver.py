"""The API server of one host: its own report, and the etcd servers it was started with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from haconsole.model.hosts import ADVERTISE_FLAG, ApiserverFacts
from haconsole.probes.errors import require
from haconsole.probes.script import Section, SectionAnswer
from haconsole.scripts import load_script
from haconsole.transport.kube_api import KubeApi, KubeError
from haconsole.transport.kube_objects import Readiness

_FLAG = "--etcd-servers"
QUICK_S = 1.5
"""A failing check that is reported within this time waited for nothing."""
AGAIN_S = 1.0


async def probe_apiserver(
    api: KubeApi, *, etcd_servers: tuple[str, ...] = (), version: str | None = None, deadline_s: float = 15.0
) -> ApiserverFacts:
    """Readiness and version, queried in parallel; KubeError when the server does not report its readiness.

    A `version` that is known already is not queried again.

    Without an etcd quorum the answer takes some 4 s and names etcd among the failing checks.
    """
    async with asyncio.TaskGroup() as script_queries:
        readiness = script_queries.create_task(_readiness(api, deadline_s))
        current = script_queries.create_task(_version(api, version, deadline_s))
    report = readiness.result()
    if isinstance(report, KubeError):
        raise report
    return ApiserverFacts(report.ready, report.failing, current.result(), etcd_servers)


async def _readiness(api: KubeApi, deadline_s: float) -> Readiness | KubeError:
    """A check that fails at once may fail by chance, so it is queried again; without a quorum the answer is late."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = await _report(api, deadline_s)
    if isinstance(first, KubeError) or first.ready or loop.time() - began > QUICK_S:
        return first
    await asyncio.sleep(AGAIN_S)
    second = await _report(api, deadline_s)
    return first if isinstance(second, KubeError) else second


async def _report(api: KubeApi, deadline_s: float) -> Readiness | KubeError:
    try:
        return await api.readiness(deadline_s=deadline_s)
    except KubeError as error:
        return error


async def _version(api: KubeApi, known: str | None, deadline_s: float) -> str | None:
    if known is not None:
        return known
    try:
        return await api.version(deadline_s=deadline_s)
    except KubeError:
        return None


def section(*, every: int = 1) -> Section:
    """The arguments of the running kube-apiserver, one a line; in a pod or not, it is a process of the host's."""
    return Section("apiserver", load_script("apiserver-arguments"), every)


SHARED_FLAGS = (
    "--anonymous-auth",
    "--api-audiences",
    "--authorization-mode",
    "--disable-admission-plugins",
    "--enable-admission-plugins",
    "--encryption-provider-config",
    "--etcd-prefix",
    "--feature-gates",
    "--runtime-config",
    "--service-account-issuer",
    "--service-account-key-file",
    "--service-account-signing-key-file",
    "--service-cluster-ip-range",
    "--storage-backend",
)
"""Flags by which a request would be treated differently, depending on the server that a client reaches."""


def etcd_servers(answer: SectionAnswer) -> tuple[str, ...]:
    """The client URLs in ``--etcd-servers``; none where no kube-apiserver runs."""
    value = dict(_flags(answer)).get(_FLAG, "")
    return tuple(url for url in value.split(",") if url)


def judged_flags(answer: SectionAnswer) -> tuple[tuple[str, str], ...]:
    """The flags of `SHARED_FLAGS`, and the address, that the server was started with."""
    return tuple(sorted((name, value) for name, value in _flags(answer) if name != _FLAG))


def _flags(answer: SectionAnswer) -> Iterator[tuple[str, str]]:
    """Name and value, of ``--name=value`` and ``--name value`` alike."""
    words = iter(require(answer, "the arguments of kube-apiserver").splitlines())
    for word in words:
        name, equals, value = word.partition("=")
        if name in (_FLAG, ADVERTISE_FLAG, *SHARED_FLAGS):
            yield name, value if equals else next(words, "")
