"""Messages between the parts of the console: news of widgets, and requests that the app passes to a controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.widget import Widget

    from haconsole.actions.step import Plan
    from haconsole.execution.log.run_record import RunRecord
    from haconsole.model.journal import JournalLine
    from haconsole.model.names import StepId
    from haconsole.present.log_place import LogPlace
    from haconsole.present.row_keys import RowKey


class RowHighlighted(Message):
    """The cursor of a table is on another row, or on the same one with other content."""

    def __init__(self, table: Widget, key: RowKey | None) -> None:
        super().__init__()
        self.table = table
        self.key = key

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RowHighlighted) and message.table is self.table


class RowChosen(Message):
    """A person wants to see the details of a row."""

    def __init__(self, table: Widget, key: RowKey) -> None:
        super().__init__()
        self.table = table
        self.key = key


class Request(Message):
    """Something a person wants from the console. A key names one in its action, as `app.request('Name', argument)`."""


class ShowKeys(Request):
    """Show the keys of the current screen."""


class OfferCommands(Request):
    """Offer every command of the current screen, then actions, hosts, settings and themes."""


class ShowDetails(Request):
    """Show the details of a row of the dashboard."""

    def __init__(self, key: RowKey) -> None:
        super().__init__()
        self.key = key


class ChooseColumns(Request):
    """Choose the columns of the dashboard's current pane."""


class GoTo(Request):
    """Show the screen that was opened before the current one, or with `by` 1 the one after it."""

    def __init__(self, by: int) -> None:
        super().__init__()
        self.by = by


class ShowHost(Request):
    """Show everything known of the host of that name."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host


class ShowSetting(Request):
    """Show the value of the setting of that name, and where it is set."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Copy(Request):
    """Put a text into the clipboard."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class RefreshFacts(Request):
    """Read every fact on every host again."""


class FreezeScreen(Request):
    """Show no news on any screen, or show them again."""


class OfferActions(Request):
    """Offer the actions, those for the row under the cursor first."""


class BeginAction(Request):
    """Start the action of that name, by its form if it has arguments."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


NO_FIX = "no action of this console fixes this"
NO_FINDING = "there is no finding to fix"
"""The reason why a row has no fix to start."""


class FixFinding(Request):
    """Start a fix of the current finding: the one of that number, or with 0 the only one or a choice."""

    def __init__(self, number: int = 0) -> None:
        super().__init__()
        self.number = number


class PlanAction(Request):
    """Plan an action whose form is complete."""

    def __init__(self, name: str, request: Mapping[str, str]) -> None:
        super().__init__()
        self.name = name
        self.request = request


class PlanUndo(Request):
    """Plan the undo of the run that the screen is about."""


class ShowRun(Request):
    """Show the current run, or with `current` unset also the last one."""

    def __init__(self, current: bool = False) -> None:
        super().__init__()
        self.current = current


class ShowOutcome(Request):
    """Show the result of the run."""


class StartRun(Request):
    """Run a plan that a person has read; with `teaching` each step is explained and waits for its release."""

    def __init__(self, plan: Plan, *, teaching: bool) -> None:
        super().__init__()
        self.plan = plan
        self.teaching = teaching


class ResumeRun(Request):
    """Resume a logged run, which a person has confirmed; `override` is the reason to override guardrails."""

    def __init__(self, record: RunRecord, override: str = "") -> None:
        super().__init__()
        self.record = record
        self.override = override


class PauseRun(Request):
    """Start no further step of the run; with `paused` unset start all of them again."""

    def __init__(self, paused: bool) -> None:
        super().__init__()
        self.paused = paused


class TeachRun(Request):
    """Explain each step and wait before it, or stop doing that."""


class ReleaseStep(Request):
    """Start one held step."""

    def __init__(self, step: StepId) -> None:
        super().__init__()
        self.step = step


class StopRun(Request):
    """Start no further step of the run; a second time: leave the running ones to their hosts."""


class Quit(Request):
    """Close the console; during a run only after a confirmation."""


class ShowRuns(Request):
    """Show the logged runs."""


class ReadRuns(Request):
    """Read the logged runs for the screen that lists them."""


class ShowCommands(Request):
    """Show the commands that were run on hosts."""


class ReadCommands(Request):
    """Read the commands for the screen that lists them."""


class ReadBackup(Request):
    """Read the time of the last backup of etcd from the run logs."""


class OpenRun(Request):
    """Show a logged run, step by step."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__()
        self.record = record


class OfferResume(Request):
    """Resume the run that the screen is about, after a confirmation."""


class FollowJournal(Request):
    """Show the log of the row under the cursor: of its unit or container, or of its host; or those of all hosts."""

    def __init__(self, everywhere: bool = False) -> None:
        super().__init__()
        self.everywhere = everywhere


class ShowJournal(Request):
    """Show a log: followed, or around a moment."""

    def __init__(self, place: LogPlace) -> None:
        super().__init__()
        self.place = place


class ReadJournal(Request):
    """Read the journals for the screen that shows them."""


class ShowOnlyHost(Request):
    """Show only the row's host on all screens, or all hosts again."""


class SaveJournal(Request):
    """Save journal lines to a file in the current folder."""

    def __init__(self, lines: list[JournalLine]) -> None:
        super().__init__()
        self.lines = lines


class OpenShell(Request):
    """Open a shell on the host under the cursor; the screen returns at its end."""


class ControlReplay(Request):
    """Control a recording: begin, pause, earlier, later, event before, event after, slower, faster, or to a place."""

    def __init__(self, how: str, place: int = 0) -> None:
        super().__init__()
        self.how = how
        self.place = place


class ShowGraphs(Request):
    """Show states and figures over time."""


class ShowPath(Request):
    """Show the path of a request through the cluster."""


class ReadGraphRuns(Request):
    """Read the logged runs for the screen that shows them over time."""


class OpenText(Request):
    """Open the text of the screen, or the row's host's units and configurations, in a pager, or in an editor."""

    def __init__(self, editor: bool = False) -> None:
        super().__init__()
        self.editor = editor


class NextTheme(Request):
    """Use the next theme."""


class ReloadTheme(Request):
    """Reload the file of the current theme."""


class UseTheme(Request):
    """Use the theme of that name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


WindowRequest: TypeAlias = (
    ChooseColumns | ShowKeys | OfferCommands | ShowDetails | ShowHost | ShowSetting | ShowPath | Copy
)
ActionRequest: TypeAlias = OfferActions | BeginAction | FixFinding | PlanAction | PlanUndo
RunRequest: TypeAlias = (
    ShowRun | ShowOutcome | StartRun | ResumeRun | PauseRun | TeachRun | ReleaseStep | StopRun | Quit
)
HistoryRequest: TypeAlias = ShowRuns | ReadRuns | ShowCommands | ReadCommands | ReadBackup | OpenRun | OfferResume
HostRequest: TypeAlias = FollowJournal | ShowJournal | ShowOnlyHost | ReadJournal | SaveJournal | OpenShell
GraphRequest: TypeAlias = ShowGraphs | ReadGraphRuns
FeedRequest: TypeAlias = RefreshFacts | FreezeScreen
ThemeRequest: TypeAlias = NextTheme | ReloadTheme | UseTheme
REQUESTS: dict[str, type[Request]] = {kind.__name__: kind for kind in Request.__subclasses__()}
"""Every request by its name, as the actions of keys name it."""
