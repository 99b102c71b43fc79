"""The JSON of `haconsole doctor` with the complete list, for which its text waits too.

The program's own JSON ends after some seconds with what is known then, which on a busy machine is little.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from haconsole.cli.output import show
from haconsole.cli.reaching import with_session
from haconsole.cli.status import EXIT, _doctor_json
from haconsole.session import Session
from tests.hosts.program import LONGEST_S, Program


def complete_doctor(program: Program) -> dict[str, Any]:
    """The report of the program's inventory, with the exit status as `exit`."""
    argv = (sys.executable, "-m", "tests.hosts.complete_doctor", str(program.inventory))
    done = subprocess.run(argv, env=program.environment, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["pending"] == [], document["pending"]
    return {**document, "exit": done.returncode}


async def _examine(session: Session) -> int:
    statuses = [status async for status in session.observer.examine()]
    show(_doctor_json(statuses[-1], datetime.now(UTC)))
    return int(EXIT[statuses[-1].health])


if __name__ == "__main__":
    sys.exit(with_session(Path(sys.argv[1]), (), _examine))
