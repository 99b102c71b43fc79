"""A shell on a host, with the screen suspended for it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from textual.app import App

    from haconsole.inventory.schema import Host, Inventory


async def visit(app: App[None], inventory: Inventory, host: Host) -> None:
    """Give the terminal to ssh until the shell ends. The console still receives news meanwhile, without painting."""
    from haconsole.present.shell import shell_argv

    loop = asyncio.get_running_loop()
    try:
        with app.batch_update(), app.suspend():
            print(f"haconsole: a shell on {host.name}; exit returns to the console", flush=True)  # noqa: T201
            loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is for the shell
            try:
                ended = await (await asyncio.create_subprocess_exec(*shell_argv(inventory, host))).wait()
            finally:
                loop.remove_signal_handler(signal.SIGINT)
    except SuspendNotSupported:
        app.notify("this terminal cannot be given to a shell", severity="warning", markup=False)
    except OSError as error:
        app.notify(f"ssh: {error.strerror}", severity="error", markup=False)
    else:
        app.refresh(layout=True)
        if ended == 255:
            app.notify(f"ssh to {host.name} failed", severity="error", markup=False)
