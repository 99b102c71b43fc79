"""The console ends also when its terminal is gone."""

from __future__ import annotations

import errno
import io
import threading

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from haconsole.ui.driver import LastingOutput


class ClosedTerminal(io.StringIO):
    """Every write fails, as on a terminal whose other end was closed."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.timeout(30)
def test_output_to_a_closed_terminal_is_dropped_and_the_writer_can_be_stopped() -> None:
    writer = WriterThread(LastingOutput(ClosedTerminal()))  # type: ignore[arg-type]
    writer.start()

    def use() -> None:
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("text")
        writer.stop()

    closing = threading.Thread(target=use, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
