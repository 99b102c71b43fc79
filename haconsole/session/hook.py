"""The operator's hook: a command that gets each notice as JSON on standard input."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress

from haconsole.errors import UsageError

WITHIN_S = 30.0


def hook_command(text: str) -> tuple[str, ...]:
    """The command and its arguments; raises UsageError for a text that a shell would not accept."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            f"the hook {text!r} is not a command: {error}", hint="quote its arguments as in a shell"
        ) from error
    if text and not words:
        raise UsageError("the hook is blank", hint="give a command, such as --hook 'notify-team --stdin'")
    return words


async def call_hook(argv: tuple[str, ...], line: str) -> str:
    """Run the hook with `line` on its standard input; returns the reason of a failure, empty if it succeeded."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return f"{argv[0]}: {error.strerror}"
    try:
        async with asyncio.timeout(WITHIN_S):
            _, stderr = await process.communicate(f"{line}\n".encode())
    except TimeoutError:
        return f"{argv[0]} did not end within {WITHIN_S:g} s and was stopped"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        message = stderr.decode(errors="replace").strip().splitlines()
        return f"{argv[0]} ended with status {process.returncode}: {message[-1] if message else 'no output'}"
    return ""
