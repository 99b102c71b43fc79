"""Entry point of ``haconsole`` and ``python -m haconsole``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line with the process's own arguments."""
    from haconsole.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
