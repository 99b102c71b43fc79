"""`bundle`: everything that others need to understand a problem, in one file without secrets."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole import __version__
from haconsole.cli.reaching import reaching, with_session
from haconsole.errors import ExitCode, UsageError, file_hint

if TYPE_CHECKING:
    from haconsole.model.status import ClusterStatus
    from haconsole.session import Session

RUNS = 20
LEFT_OUT = (
    "private keys and kubeconfigs: none is read",
    "passwords, tokens and VRRP passwords: masked as *** in every file",
    "etcd's data and snapshots, Secrets and all other objects of Kubernetes: none is read",
    f"all runs except the newest {RUNS}, and the output of read-only commands",
    "journals of units that do not belong to the control plane",
    "names, addresses, versions, paths and certificate subjects are NOT left out: read the files before you share them",
)


@click.command()
@reaching
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A new file; default: a name with the time."
)
def bundle(inventory: Path, output: Path | None, accept_host_key: tuple[str, ...]) -> int:
    """Write a diagnostic bundle: state, findings, certificates, units, configurations, journals, runs and commands.

    Secrets are masked, and keys are never read; MANIFEST.txt in the file lists what it contains and what is left out.
    Hosts that cannot be read are named there. Changes nothing.
    """
    return with_session(inventory, accept_host_key, lambda session: _bundle(session, inventory, output))


async def _bundle(session: Session, inventory: Path, output: Path | None) -> int:
    now = datetime.now(UTC)
    folder = f"haconsole-{session.inventory.cluster}-{now:%Y%m%dT%H%M%SZ}"
    path = output or Path(f"{folder}.tar.gz")
    files, problems = await collected(session, inventory, now)
    files = {"MANIFEST.txt": manifest(session.inventory.cluster, now, tuple(files), problems), **files}
    await asyncio.to_thread(write_bundle, path, folder, files, now)
    click.echo(path)
    for problem in problems:
        click.echo(f"not in the bundle: {problem}", err=True)
    return ExitCode.OK


async def collected(session: Session, inventory: Path, now: datetime) -> tuple[dict[str, str], tuple[str, ...]]:
    """The files of the bundle by their names, all masked, and what could not be read."""
    from haconsole.inventory.load import read
    from haconsole.session.redacting import certain_redactor, redactor

    mask, mask_json = redactor(session.inventory), certain_redactor(session.inventory)
    status = await session.observer.status()
    files = {
        "inventory.yaml": read(inventory).decode(errors="replace"),
        **_reports(status, now),
        **await _runs(session),
    }
    problems: list[str] = []
    for host, texts in await _host_texts(session):
        files |= {f"hosts/{host}/{name.strip('/')}": text for name, text, problem in texts if not problem}
        problems += host_problems(host, texts)
    masked = {name: (mask_json if name.endswith(".json") else mask)(text) for name, text in files.items()}
    return masked, tuple(problems)


def host_problems(host: str, texts: list[tuple[str, str, str]]) -> list[str]:
    """The parts of a host that could not be read, each reason once; `texts` have a name, a text and a problem."""
    names: dict[str, list[str]] = {}
    for name, _, problem in texts:
        if problem:
            names.setdefault(" ".join(problem.removeprefix(f"{host}: ").split()), []).append(name)
    return [
        f"{host}: {'everything' if len(own_names) == len(texts) > 1 else ', '.join(own_names)}: {reason}"
        for reason, own_names in names.items()
    ]


def _reports(status: ClusterStatus, now: datetime) -> dict[str, str]:
    from haconsole.cli.reports.certs import certs_report
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.status import status_report
    from haconsole.cli.reports.text import status_text

    snapshot, findings, health = status.snapshot, status.findings, status.health
    return {
        "status.json": encoded(status_report(snapshot, findings, health, now)),
        "status.txt": status_text(snapshot, findings, health, now),
        "certs.json": encoded(certs_report(snapshot, findings, health, now)),
    }


async def _runs(session: Session) -> dict[str, str]:
    from haconsole.cli.reports.commands import commands_report
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.runs import record_report
    from haconsole.execution.log.run_record import RunRecord

    every = await session.history.runs()
    newest = [one for one in every if isinstance(one, RunRecord)][:RUNS]
    records = {f"runs/{one.header.run}.json": encoded(record_report(one, every)) for one in newest}
    return {**records, "commands.json": encoded(commands_report(newest))}


async def _host_texts(session: Session) -> list[tuple[str, list[tuple[str, str, str]]]]:
    from haconsole.model.names import HostName

    names = [HostName(host.name) for host in session.inventory.hosts]
    texts = await asyncio.gather(*(session.observer.texts(name, journal=True) for name in names))
    return [
        (name, [(each.name, each.text, each.problem) for each in mine]) for name, mine in zip(names, texts, strict=True)
    ]


def manifest(cluster: str, now: datetime, names: tuple[str, ...], problems: tuple[str, ...]) -> str:
    """The list of the contents, of what could not be read, and of what is left out."""
    lines = [
        f"haconsole {__version__}, diagnostic bundle of {cluster}, {now:%Y-%m-%d %H:%M:%S} UTC",
        f"made on {platform.system()} with Python {platform.python_version()}",
        "",
        "Contents:",
        *(f"- {name}" for name in names),
        "",
        "Not read:",
        *(f"- {problem}" for problem in problems or ("nothing: everything was read",)),
        "",
        "Left out on purpose:",
        *(f"- {each}" for each in LEFT_OUT),
    ]
    return "\n".join((*lines, ""))


def write_bundle(path: Path, folder: str, files: Mapping[str, str], now: datetime) -> None:
    """Write a compressed tar file that only its owner can read; an existing file is kept."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} already exists", hint="pass the path of a new file with -o") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as raw:
            raw.write(_archive(folder, files, now))
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {error.strerror}", hint=file_hint(path, error, to_write=True))


def _archive(folder: str, files: Mapping[str, str], now: datetime) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(now.timestamp())
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()
