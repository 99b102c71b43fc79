"""Writes the reference pages of the documentation from the code; a hook of mkdocs, and a test reads the pages too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from haconsole.actions.catalogue import catalogue
from haconsole.cli.main import root
from haconsole.diagnosis.page_text import reference

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

EXIT_STATUS = {
    0: "success; the cluster is healthy",
    1: "the cluster is degraded",
    2: "the cluster is critical",
    3: "the cluster's state is unknown: no host answered",
    4: "refused: the action would do harm, or a guardrail stops it",
    5: "the inventory has mistakes, or the input cannot be used",
    6: "failed; the error names what to do next",
    7: "another console holds the lock of the cluster: try again after its run, or use --wait",
    64: "wrong usage: unknown options or arguments, or an unsuitable terminal",
    129: "ended by SIGHUP",
    130: "interrupted (SIGINT)",
    141: "standard output was closed",
    143: "ended by SIGTERM",
}


def pages() -> dict[str, str]:
    """Each page's path below docs/, and its Markdown."""
    return {
        "reference/commands.md": "\n".join(_commands()),
        "reference/actions.md": "\n".join(_actions()),
        "reference/codes.md": reference(),
        "reference/inventory.md": "\n".join(_inventory()),
        "reference/exit-status.md": "\n".join(_exit_status()),
        "reference/json.md": "\n".join(_json()),
    }


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of the folder."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    context = click.Context(root, info_name="haconsole", **root.context_settings)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        yield f"## haconsole {name}\n"
        yield "```text"
        yield command.get_help(click.Context(command, info_name=name, parent=context))
        yield "```\n"


def _actions() -> Iterator[str]:
    yield "# Actions\n"
    yield "`haconsole plan ACTION INVENTORY` lists the steps, `haconsole run ACTION INVENTORY` runs them.\n"
    for action in catalogue():
        yield f"## {action.name}\n"
        yield f"**{action.title}.** {action.help}\n"
        if action.dangerous:
            yield "Marked as dangerous: it is listed last and never selected only by typing.\n"
        if action.arguments:
            yield "| argument | required | meaning |"
            yield "|---|---|---|"
        for argument in action.arguments:
            name = argument.name.upper() if argument.positional else f"--{argument.name}"
            choices = f" ({', '.join(argument.choices)})" if argument.choices else ""
            yield f"| `{name}` | {'yes' if argument.required else 'no'} | {_cell(argument.help + choices)} |"
        yield ""


def _inventory() -> Iterator[str]:
    from haconsole.cli.inventory import json_schema

    schema: dict[str, Any] = json_schema()
    yield "# Inventory\n"
    yield "`haconsole check FILE` reports mistakes by line and column. `haconsole schema` prints a JSON Schema.\n"
    for name, definition in schema["$defs"].items():
        if "properties" not in definition:
            yield f"## {name}\n"
            yield f"One of {', '.join(f'`{value}`' for value in definition['enum'])}.\n"
            continue
        yield f"## {name}\n"
        yield f"{definition.get('description', '')}\n"
        yield "| key | value | default | meaning |"
        yield "|---|---|---|---|"
        for key, entry in definition["properties"].items():
            default = f"`{json.dumps(entry['default'])}`" if "default" in entry else ""
            yield f"| `{key}` | {_cell(_kind(entry))} | {default} | {_cell(entry.get('description', ''))} |"
        yield ""


def _kind(entry: dict[str, Any]) -> str:
    if "title" in entry:
        return str(entry["title"])
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    return str(entry.get("type", ""))


def _exit_status() -> Iterator[str]:
    yield "# Exit status\n"
    yield "| status | meaning |"
    yield "|---|---|"
    for status, meaning in EXIT_STATUS.items():
        yield f"| {status} | {meaning} |"


def _json() -> Iterator[str]:
    import msgspec

    from haconsole.cli.reports.certs import CertsReport
    from haconsole.cli.reports.commands import CommandsReport
    from haconsole.cli.reports.events import EventsReport
    from haconsole.cli.reports.findings import DoctorReport
    from haconsole.cli.reports.path import PathReport
    from haconsole.cli.reports.plan import PlanReport, RefusalReport
    from haconsole.cli.reports.run import EventReport
    from haconsole.cli.reports.runs import RunRecordReport, RunsReport
    from haconsole.cli.reports.status_shapes import StatusReport

    shapes: dict[str, Any] = {
        "haconsole/status/v1": StatusReport,
        "haconsole/doctor/v1": DoctorReport,
        "haconsole/certs/v1": CertsReport,
        "haconsole/plan/v1": PlanReport,
        "haconsole/refusal/v1": RefusalReport,
        "haconsole/run/v1 (one line for each event)": EventReport,
        "haconsole/runs/v1": RunsReport,
        "haconsole/run-record/v1": RunRecordReport,
        "haconsole/commands/v1": CommandsReport,
        "haconsole/path/v1": PathReport,
        "haconsole/events/v1": EventsReport,
    }
    yield "# JSON output\n"
    yield "Fields keep their names and meaning within a schema version; new fields may be added.\n"
    for name, shape in shapes.items():
        yield f"## {name}\n"
        yield "```json"
        yield json.dumps(msgspec.json.schema(shape), indent=2)
        yield "```\n"
    yield "## haconsole/notice/v1\n"
    yield "[Get notified](../how-to/notify.md) has an example and the fields.\n"
    yield "## haconsole/lab/v1\n"
    yield "`lab` is the name, `hosts` has the state of each host, `faults` the faults that `lab break` caused.\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
