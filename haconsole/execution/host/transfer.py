"""Copies files of any size between the operator's machine and a host; the target is complete or absent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, assert_never

from haconsole.actions.operations import CopyFromHost, FetchFile, SendFile, SendFolder, Transfer
from haconsole.errors import HaconsoleError, file_hint
from haconsole.execution.outcome import OperationResult, success
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import Argv, Completed, Fleet, HostTransport, TransportError

BLOCK = 64 << 10
PART = 4 << 20
PART_S = 120.0
WHOLE_S = 600.0
CHECKSUM = 32
"""Bytes at a snapshot's end: the SHA-256 of what is before them."""

READABLE = 0o044
"""Modes with which others may read a file, and so its folder."""
OPEN_FOLDER = 'umask 022; mkdir -p -- "$1"'
TAKE = load_script("receive-part")

IN_PLACE = load_script("receive-finish")

Tell = Callable[[str], Awaitable[None]]


async def transfer(fleet: Fleet, name: HostName, operation: Transfer, tell: Tell) -> OperationResult:
    """Perform the operation; raises TransportError, or HaconsoleError for a problem of the file here."""
    match operation:
        case FetchFile():
            return await _fetch(fleet.host(name), operation, tell)
        case SendFile():
            return await _send(fleet.host(name), operation, tell)
        case SendFolder():
            return await _send_folder(fleet.host(name), operation, tell)
        case CopyFromHost():
            return await _copy(fleet.host(operation.source), fleet.host(name), operation, tell)
        case _:
            assert_never(operation)


async def not_same(host: HostTransport, here: str, path: str) -> tuple[str, ...]:
    """The reason why the operator's file is not the host's `path`, by their SHA-256."""
    try:
        mine = await asyncio.to_thread(digest_of, Path(here))
    except OSError as error:
        return (str(_here(Path(here), error)),)
    result = await host.run(("sha256sum", "--", path), root=True, deadline_s=WHOLE_S)
    if result.exit_status is None:
        raise TransportError(host.host, result.cut or Cause.OTHER, f"could not read {path}")
    return () if result.ok and result.stdout.startswith(mine) else (f"{here} differs from {path} on {host.host}",)


async def not_same_files(host: HostTransport, here: str, path: str, ending: str) -> tuple[str, ...]:
    """The files of the operator's folder that the host's folder `path` lacks, by their SHA-256."""
    try:
        files = await asyncio.to_thread(files_in, here, ending)
        different = await _different(host, files, path)
    except HaconsoleError as error:
        return (str(error),)
    return tuple(f"{file} is not in {path} on {host.host}" for file in different)


def files_in(folder: str, ending: str) -> tuple[Path, ...]:
    """The files of the operator's folder, by name; raises HaconsoleError if there is none. Blocks."""
    try:
        files = tuple(sorted(one for one in Path(folder).iterdir() if one.name.endswith(ending) and one.is_file()))
    except OSError as error:
        raise _here(Path(folder), error) from error
    if not files:
        raise HaconsoleError(f"{folder} on this machine has no *{ending}", hint="put the files there")
    return files


async def _different(host: HostTransport, files: tuple[Path, ...], path: str) -> tuple[Path, ...]:
    """Those of `files` that the host's folder lacks, or has with another content."""
    targets = tuple(f"{path}/{file.name}" for file in files)
    result = await host.run(("sha256sum", "--", *targets), root=True, deadline_s=WHOLE_S)
    if result.exit_status is None:
        raise TransportError(host.host, result.cut or Cause.OTHER, f"could not read {path}")
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in result.stdout.splitlines())}
    try:
        digests = [await asyncio.to_thread(digest_of, file) for file in files]
    except OSError as error:
        raise _here(files[0].parent, error) from error
    pairs = zip(files, targets, digests, strict=True)
    return tuple(file for file, target, digest in pairs if sums.get(target) != digest)


def digest_of(path: Path) -> str:
    """SHA-256 in hexadecimal; raises OSError."""
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    return digest.hexdigest()


def not_whole(path: Path) -> tuple[str, ...]:
    """The reason why the operator's file is no snapshot as etcd sent it; blocks."""
    digest = sha256()
    try:
        remaining = path.stat().st_size - CHECKSUM
        with path.open("rb") as file:
            while remaining > 0:
                part = file.read(min(PART, remaining))
                digest.update(part)
                remaining -= len(part) or remaining
            whole = file.read(CHECKSUM) == digest.digest()
    except OSError as error:
        return (str(_here(path, error)),)
    return (
        () if whole else (f"{path} is damaged or is not a snapshot: it does not end with the SHA-256 of its content",)
    )


async def _fetch(host: HostTransport, fetch: FetchFile, tell: Tell) -> OperationResult:
    path = Path(fetch.here)
    new = path.with_name(f".{path.name}.part")
    size = int((await _run_checked(host, ("stat", "-Lc", "%s", "--", fetch.path), 10.0)).stdout)
    try:
        with await asyncio.to_thread(_created, new) as file:
            for begin in range(0, size, PART):
                part = await _part(host, fetch.path, begin)
                await asyncio.to_thread(file.write, part)
                await tell(_progress(min(begin + PART, size), size))
            await asyncio.to_thread(os.fsync, file.fileno())
        wrong = await not_same(host, str(new), fetch.path)
        if wrong:
            raise HaconsoleError(wrong[0], hint="the file changed meanwhile, or the connection is bad: try again")
        await asyncio.to_thread(_put_in_place, new, path)
    except OSError as error:
        raise _here(path, error, to_write=True) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return success(f"{path}: {size} bytes, identical to {fetch.path} on {host.host}")


def _created(path: Path) -> BinaryIO:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _put_in_place(new: Path, path: Path) -> None:
    """Under its name, unless another file has that."""
    try:
        path.hardlink_to(new)
    except FileExistsError:
        raise HaconsoleError(
            f"{path} already exists", hint="give another file name, or move the existing file away"
        ) from None


async def _part(host: HostTransport, path: str, begin: int) -> bytes:
    words = (f"if={path}", f"bs={BLOCK}", f"skip={begin // BLOCK}", f"count={PART // BLOCK}", "status=none")
    return (await _run_checked(host, ("dd", *words), PART_S)).raw


async def _send(host: HostTransport, send: SendFile, tell: Tell) -> OperationResult:
    path, new = Path(send.here), f"{send.path}.part"
    digest = sha256()
    if send.mode & READABLE:
        folder = ("sh", "-ec", OPEN_FOLDER, "folder", send.path.rpartition("/")[0])
        await _run_checked(host, folder, PART_S)
    try:
        with await asyncio.to_thread(path.open, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            for begin in range(0, size, PART):
                part = await asyncio.to_thread(file.read, PART)
                digest.update(part)
                await _run_checked(host, ("sh", "-ec", TAKE, "take", new, str(begin // BLOCK)), PART_S, part)
                await tell(_progress(min(begin + PART, size), size))
    except OSError as error:
        raise _here(path, error) from error
    words = ("sh", "-ec", IN_PLACE, "in-place", new, send.path, digest.hexdigest(), f"{send.mode:o}")
    await _run_checked(host, words, WHOLE_S)
    return success(f"{send.path}: {size} bytes, identical to {path} on this machine")


async def _send_folder(host: HostTransport, send: SendFolder, tell: Tell) -> OperationResult:
    files = await asyncio.to_thread(files_in, send.here, send.ending)
    missing = await _different(host, files, send.path)
    for number, file in enumerate(missing, 1):
        await tell(f"{number} of {len(missing)}: {file.name}")
        await _send(host, SendFile(str(file), f"{send.path}/{file.name}", 0o644), tell)
    return success(f"{send.path}: {len(files)} files, {len(missing)} of them new")


async def _copy(source: HostTransport, host: HostTransport, copy: CopyFromHost, tell: Tell) -> OperationResult:
    new, digest = f"{copy.path}.part", sha256()
    size = int((await _run_checked(source, ("stat", "-Lc", "%s", "--", copy.source_path), 10.0)).stdout)
    for begin in range(0, size, PART):
        part = await _part(source, copy.source_path, begin)
        digest.update(part)
        await _run_checked(host, ("sh", "-ec", TAKE, "take", new, str(begin // BLOCK)), PART_S, part)
        await tell(_progress(min(begin + PART, size), size))
    there = await _run_checked(source, ("sha256sum", "--", copy.source_path), WHOLE_S)
    if not there.stdout.startswith(digest.hexdigest()):
        what = f"{copy.source_path} on {source.host} was changed while it was copied"
        raise HaconsoleError(what, hint="give the path of a file that is complete, and run this again")
    words = ("sh", "-ec", IN_PLACE, "in-place", new, copy.path, digest.hexdigest())
    await _run_checked(host, words, WHOLE_S)
    return success(f"{copy.path}: {size} bytes, identical to {copy.source_path} on {source.host}")


async def _run_checked(host: HostTransport, argv: Argv, deadline_s: float, stdin: bytes | None = None) -> Completed:
    result = await host.run(argv, stdin=stdin, root=True, deadline_s=deadline_s)
    if not result.ok:
        why = result.stderr.strip() or "no answer"
        raise TransportError(host.host, result.cut or Cause.OTHER, f"{argv[0]}: {why}")
    return result


def _progress(so_far: int, size: int) -> str:
    return f"{so_far >> 20} of {size >> 20} MiB"


def _here(path: Path, error: OSError, *, to_write: bool = False) -> HaconsoleError:
    return HaconsoleError(f"{path} on this machine: {error.strerror}", hint=file_hint(path, error, to_write=to_write))
