"""Writes docs/haconsole.1 from the commands' own help: python -m tests.tools.manpage"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from haconsole import __version__
from haconsole.cli.main import root
from tests.tools.reference import EXIT_STATUS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "haconsole.1"
_SUMMARY = "terminal console for highly available Kubernetes control planes"
FILES = {
    "~/.local/state/haconsole": "Run logs, snapshots and view settings.",
    "~/.ssh/config, ~/.ssh/known_hosts": "Read as ssh(1) reads them.",
    "/var/lib/haconsole": "On hosts: the cluster's lock and kept manifests.",
}
ENVIRONMENT = {
    "HACONSOLE_CA_PASSPHRASE_FD": "Number of an open file descriptor with the passphrase of the CA keys.",
    "NO_COLOR": "Any value: no colours.",
    "TERM": "The terminal's type; the console needs one with cursor movement.",
}


def page() -> str:
    """The complete page in roff, as man(7) defines it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH HACONSOLE 1 "" "haconsole {__version__}" "User commands"'
    yield ".SH NAME"
    yield f"haconsole \\- {_SUMMARY}"
    yield ".SH SYNOPSIS"
    yield ".B haconsole\n.RI [ OPTIONS ]\n.I INVENTORY\n.br"
    yield '.B haconsole\n.I COMMAND\n.RI [ OPTIONS ] " ARGUMENTS"'
    yield ".SH DESCRIPTION"
    context = click.Context(root, info_name="haconsole", **root.context_settings)
    yield from _paragraphs(root.help or "")
    yield ".SH OPTIONS"
    yield from _options(root, context)
    yield ".SH COMMANDS"
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield f".SS {_plain(' '.join(('haconsole', name, *command.collect_usage_pieces(inner))))}"
        yield from _paragraphs(command.help or "")
        yield from _options(command, inner)
        yield from _verbs(command, inner)
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from _table("FILES", FILES)
    yield from _table("EXIT STATUS", {str(status): meaning for status, meaning in EXIT_STATUS.items()})
    yield ".SH SEE ALSO\n.BR ssh (1),\n.BR ssh_config (5)"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield _plain(" ".join(paragraph.replace("\b", "").split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    for names, text in filter(None, records):
        if text:
            yield f".TP\n\\fB{_plain(names)}\\fR\n{_plain(text)}"


def _verbs(command: click.Command, context: click.Context) -> Iterator[str]:
    """The commands of a group, each with its sentence."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            verb = command.get_command(context, name)
            assert verb is not None
            yield f".TP\n\\fB{_plain(name)}\\fR\n{_plain(verb.get_short_help_str(200))}"


def _table(title: str, entries: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in entries.items():
        yield f".TP\n\\fB{_plain(name)}\\fR\n{_plain(meaning)}"


def _plain(text: str) -> str:
    """Text that roff prints unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    PAGE.write_text(page())
