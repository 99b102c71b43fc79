"""Discovers a cluster from one host: reads the host, then etcd and the API that it uses."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import TypeVar

import yaml

from haconsole.configs.layout import layout
from haconsole.errors import HaconsoleError
from haconsole.inventory.importers.draft import Draft, write
from haconsole.inventory.load import decoded
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd import EtcdMember
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.balancers import haproxy_files, keepalived_files
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.discovery import kube_vip
from haconsole.probes.discovery.draft import own_address
from haconsole.probes.discovery.host_report import API, ETCD, MANAGER, HostReport, Others, Program, hostname
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd.access import etcd_on
from haconsole.probes.files import read_files
from haconsole.probes.kubernetes.access import kube_on
from haconsole.probes.kubernetes.kubeadm_config import kubeadm_records
from haconsole.probes.script import ARGV, Section, answers, render
from haconsole.probes.shown_kubeconfig import ShownKubeconfig, shown_kubeconfig
from haconsole.scripts import load_script
from haconsole.transport.base import Fleet, HostTransport
from haconsole.transport.kube_objects import Node

T = TypeVar("T")

READ_HOST_S = 20.0
READ_RECORDS_S = 15.0
_API_SERVERS = b"/registry/masterleases/"
"""API servers keep their addresses in etcd under this prefix, each for some seconds."""
_CA_FLAGS = ("trusted-ca-file", "cert-file")
_ADVERTISED = ("advertise-client-urls", "initial-advertise-peer-urls", "advertise-address")
_SECURITY = {"client-transport-security": "", "peer-transport-security": "peer-"}
"""Sections of etcd's configuration file, and what the flags of the same settings begin with."""
_COMMS = {"kube-controller": MANAGER}
"""Programs by the name the kernel keeps, where that is cut off."""
_PODS = r"""
for path in "$(static_pod_folder)"/*; do
  [ ! -f "$path" ] || basename "$path" | sed 's/\.[a-z]*$//'
done
""".strip()
_KUBECONFIGS = r"""
public() { :; }
manager_kubeconfig() {
  tr '\0' '\n' <"/proc/$(pidof kube-controller-manager | cut -d ' ' -f 1)/cmdline" | sed -n 's/^--*kubeconfig=//p'
} 2>/dev/null
for path in /etc/kubernetes/admin.conf "$(kubelet_flag kubeconfig)" /etc/kubernetes/kubelet.conf \
  "$(manager_kubeconfig)"; do
  [ -f "$path" ] || continue
  printf '@kubeconfig %s\n' "$path"
  show_kubeconfig "$path"
done
:
""".strip()

SECTIONS = (
    Section("name", "uname -n"),
    Section("addresses", "ip -o address show scope global | awk '{ print $4 }'"),
    Section(
        "programs",
        load_script("lib/of-pod")
        + r"""
for process in /proc/[0-9]*; do
  read -r name <"$process/comm" || continue
  case $name in
    etcd | kube-apiserver | kube-controller | kube-scheduler | kubelet | haproxy | keepalived | k0s | rke2) ;;
    *) continue ;;
  esac
  ! of_pod "$process" || continue
  printf '@ %s %s\n' "$name" "$(readlink "$process/exe")"
  tr '\0' '\n' <"$process/cmdline" | sed 's/^/- /'
  [ "$name" = etcd ] || continue
  tr '\0' '\n' <"$process/environ" | sed -n 's/^\(ETCD_[A-Z_]*=\)/+ \1/p'
  config=$(tr '\0' '\n' <"$process/cmdline" | sed -n -e 's/^--*config-file=//p' -e '/^--*config-file$/{n;p;}')
  [ -z "$config" ] || head -c 65536 "$process/root$config" | sed 's/^/= /'
done 2>/dev/null
:""",
    ),
    Section("pods", f"{load_script('lib/kubelet')}\n{_PODS}"),
    Section("kube_vip", f"{load_script('lib/kubelet')}\n{kube_vip.SCRIPT}"),
    Section("etcd_file", "systemctl show -p EnvironmentFiles --value etcd.service | sed -n '1s/ (.*//p'"),
    Section("kubeconfigs", "\n".join((load_script("lib/kubelet"), load_script("lib/kubeconfig"), _KUBECONFIGS))),
    Section("haproxy", haproxy_files.discovered()),
    Section("keepalived", keepalived_files.discovered()),
)


async def read_host(host: HostTransport) -> HostReport:
    """Read the host; raises TransportError, or ProbeError if no part of a cluster runs there."""
    result = await host.run(ARGV, stdin=render(SECTIONS), root=True, deadline_s=READ_HOST_S)
    by_section = {answer.section: answer for answer in answers(result.stdout)}
    outputs = {section: answer.output for section, answer in by_section.items()}
    kubeconfig, parts = first_with_server(outputs.get("kubeconfigs", ""))
    programs = programs_of(outputs.get("programs", ""))
    if not programs:
        raise ProbeError(
            f"{host.host}: nothing of a cluster runs here: no etcd, no Kubernetes, no haproxy, no keepalived",
            Cause.NOT_RUNNING,
            hint="give the name of a control plane; for new hosts begin with a file of sample-inventories",
        )
    return HostReport(
        name=outputs.get("name", "").strip().partition(".")[0] or str(host.host),
        addresses=tuple(outputs.get("addresses", "").split()),
        programs=programs,
        static_pods=frozenset(outputs.get("pods", "").split()),
        etcd_file=outputs.get("etcd_file", "").strip(),
        etcd_folder=await _names_in(host, programs[ETCD].folder(*_CA_FLAGS)) if ETCD in programs else frozenset(),
        server=parts.server,
        kubeconfig=kubeconfig,
        authority=_fingerprint(parts.ca_pem or await _text_of(host, parts.ca_path)),
        kube_vip=kube_vip.parse(by_section["kube_vip"]) if "kube_vip" in by_section else None,
        haproxy=haproxy_files.config_of(outputs.get("haproxy", "")),
        keepalived=keepalived_files.config_of(keepalived_files.parts_of(outputs.get("keepalived", ""))),
    )


def programs_of(text: str) -> dict[str, Program]:
    """By name; of several processes of one name the first counts that other hosts can reach."""
    programs: dict[str, Program] = {}
    for part in f"\n{text}".split("\n@ ")[1:]:
        head, *lines = part.removesuffix("\n").split("\n")
        name, _, path = head.partition(" ")
        _, *words = [line[2:] for line in lines if line.startswith("- ")] or [""]
        environment = [line[2:].partition("=")[::2] for line in lines if line.startswith("+ ")]
        of_environment = {key.removeprefix("ETCD_").lower().replace("_", "-"): value for key, value in environment}
        config = "\n".join(line[2:] for line in lines if line.startswith("= "))
        flags = config_flags(config) or {**of_environment, **_flags(words)}
        name, program = _COMMS.get(name, name), Program(path, flags)
        if name not in programs or (_is_local(programs[name]) and not _is_local(program)):
            programs[name] = program
    return programs


def config_flags(text: str) -> dict[str, str]:
    """etcd's configuration file as the flags of the same meaning, which etcd then ignores; empty where it is none."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    flags: dict[str, str] = {}
    for key, value in document.items() if isinstance(document, dict) else ():
        if str(key) in _SECURITY and isinstance(value, dict):
            flags.update({f"{_SECURITY[str(key)]}{name}": _flag_value(one) for name, one in value.items()})
        else:
            flags[str(key)] = _flag_value(value)
    return flags


def _flag_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _is_local(program: Program) -> bool:
    """Whether all addresses that an etcd or API server gives to others are loopback ones: it serves something else."""
    urls = [program.flags[flag] for flag in _ADVERTISED if flag in program.flags]
    hosts = {hostname(url) or url for value in urls for url in value.split(",")}
    return bool(hosts) and all(host == "localhost" or host.startswith("127.") or host == "::1" for host in hosts)


def _flags(words: list[str]) -> dict[str, str]:
    """``--name=value`` and ``--name value``; a flag without value is ``true``."""
    flags: dict[str, str] = {}
    for word, following in pairwise((*words, "-")):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            flags[name] = value if equals else "true" if following.startswith("-") else following
    return flags


async def api_servers(report: HostReport, single_host: Draft, fleet: Fleet, name: HostName) -> tuple[str, ...]:
    """The addresses of the API servers that use the host's etcd, by that etcd; none where it runs an API server too."""
    if ETCD not in report.programs or API in report.programs:
        return ()
    context, host = _context_of(report, single_host, fleet, name)
    try:
        async with etcd_on(context, host) as etcd:
            keys = [pair.key.removeprefix(_API_SERVERS) for pair in await etcd.get_prefix(_API_SERVERS)]
            return tuple(key.decode("ascii", "replace") for key in keys)
    except HaconsoleError:
        return ()


def _context_of(report: HostReport, single_host: Draft, fleet: Fleet, name: HostName) -> tuple[ClusterContext, Host]:
    """The context of queries through the one host that was logged in to, and that host."""
    inventory = inventory_of(single_host)
    context = ClusterContext(
        inventory, layout(inventory), _Only(fleet, name), lambda: datetime.now(UTC), b"", ProbeTimings(fact_s=10.0)
    )
    return context, next(host for host in inventory.hosts if host.address == own_address(report))


async def ask_others(report: HostReport, single_host: Draft, fleet: Fleet, name: HostName) -> Others:
    """Query etcd for its members and the API for its nodes, over the connections in the inventory of the host
    `single_host`.

    `name` is the fleet's name of the host.
    """
    context, host = _context_of(report, single_host, fleet, name)
    notes: list[str] = []
    members = (
        await _result_or_note(_members(context, host), "etcd's members", notes) if ETCD in report.programs else None
    )
    of_api = await _result_or_note(_nodes(context, host), "the nodes", notes) if API in report.programs else None
    nodes, version, kubeadm = of_api or (None, None, None)
    return Others(members, nodes, version, kubeadm, notes=tuple(notes))


async def log_in(hosts: Sequence[Host], fleet: Fleet) -> tuple[dict[str, HostReport], tuple[str, ...]]:
    """The reports of other hosts, by address, and the reasons for missing ones."""
    results = await asyncio.gather(
        *(read_host(fleet.host(HostName(host.name))) for host in hosts), return_exceptions=True
    )
    reports: dict[str, HostReport] = {}
    notes: list[str] = []
    for host, one in zip(hosts, results, strict=True):
        if isinstance(one, HostReport):
            reports[host.address] = one
        elif isinstance(one, HaconsoleError):
            notes.append(str(one))
        else:
            raise one
    return reports, tuple(notes)


def inventory_of(draft: Draft) -> Inventory:
    """The draft as an inventory for queries, whatever is still missing or wrong in it."""
    return decoded(write(draft))


def first_with_server(text: str) -> tuple[str, ShownKubeconfig]:
    """The path and the parts of the first kubeconfig that names a server; both empty where none does."""
    for part in f"\n{text}".split("\n@kubeconfig ")[1:]:
        path, _, lines = part.partition("\n")
        parts = shown_kubeconfig(lines, path)
        if parts.server:
            return path, parts
    return "", ShownKubeconfig()


async def _names_in(host: HostTransport, folder: str | None) -> frozenset[str]:
    """The names of the files in a folder; none where it cannot be read."""
    if folder is None:
        return frozenset()
    result = await host.run(("ls", "-1", "--", folder), root=True, deadline_s=READ_HOST_S)
    return frozenset(result.stdout.splitlines())


async def _text_of(host: HostTransport, path: str) -> str:
    files = await read_files(host, (path,), deadline_s=READ_HOST_S) if path else {}
    return files.get(path) or ""


def _fingerprint(pem: str) -> str:
    """The SHA-256 of the first certificate in hexadecimal; empty where there is none."""
    _, begin, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    body, _, _ = rest.partition("-----END CERTIFICATE-----")
    try:
        der = b64decode("".join(body.split()), validate=True) if begin else b""
    except ValueError:
        der = b""
    return sha256(der).hexdigest() if der else ""


class _Only:
    """A fleet in which every host is the one that was logged in to."""

    def __init__(self, fleet: Fleet, name: HostName) -> None:
        self._fleet = fleet
        self._name = name

    def host(self, name: HostName) -> HostTransport:
        return self._fleet.host(self._name)

    async def close(self) -> None:
        """The code that opened the fleet closes it."""


async def _members(context: ClusterContext, host: Host) -> tuple[EtcdMember, ...]:
    async with etcd_on(context, host) as api:
        return await api.members(deadline_s=5.0)


async def _nodes(context: ClusterContext, host: Host) -> tuple[tuple[Node, ...], str, ClusterConfiguration | None]:
    async with kube_on(context, host) as api:
        return await api.nodes(), await api.version(), await kubeadm_records(api, READ_RECORDS_S)


async def _result_or_note(request: Awaitable[T], what: str, notes: list[str]) -> T | None:
    try:
        return await request
    except HaconsoleError as error:
        notes.append(f"{what} could not be queried, so the host's files are used: {error}")
        return None
