"""Opens the windows over the dashboard: details of a row, help, palette, columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from haconsole.ui.key_bar import active_keys
from haconsole.ui.messages import (
    ChooseColumns,
    Copy,
    OfferCommands,
    ShowDetails,
    ShowHost,
    ShowKeys,
    ShowPath,
    ShowSetting,
    WindowRequest,
)

if TYPE_CHECKING:
    from haconsole.inventory.origin import FileOrigin
    from haconsole.present.palette import Command
    from haconsole.present.row_keys import RowKey
    from haconsole.present.settings import SettingView
    from haconsole.ui.console import Console
    from haconsole.ui.key import Key


class WindowController:
    """Opens windows, and runs the commands that a person chooses from the palette."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: WindowRequest) -> None:
        match request:
            case ChooseColumns():
                self.choose_columns()
            case ShowKeys():
                self.show_keys()
            case OfferCommands():
                self._console.run_worker(self._offer_commands(), exit_on_error=False)
            case ShowHost(host=host):
                from haconsole.model.names import HostName
                from haconsole.present.row_keys import HostKey

                self._console.post_message(ShowDetails(HostKey(HostName(host))))
            case ShowSetting(name=name):
                self.show_setting(name)
            case ShowDetails(key=key):
                self.show_details(key)
            case ShowPath():
                self.show_path()
            case Copy(text=text):
                self._console.copy_to_clipboard(text)
                self._console.notify("copied, where the terminal allows it (OSC 52)", timeout=2, markup=False)
            case _:
                assert_never(request)

    def read_columns(self) -> None:
        """Read the columns that a person hid before."""
        from haconsole.ui.column_choice import read_choice

        path = self._console.setting.columns
        if path is None:
            return
        try:
            self._console.hidden_columns = read_choice(path)
        except (OSError, ValueError) as error:
            self._console.notify(f"{path}: {error}", title="all columns are shown", severity="warning", markup=False)

    def choose_columns(self) -> None:
        """Let a person choose the columns of the dashboard's current pane."""
        from haconsole.ui.screens.columns import ColumnWindow
        from haconsole.ui.screens.dashboard import current_pane

        console, table = self._console, current_pane(self._console)
        view = table.window.whole if table is not None else None
        if table is None or view is None or not view.columns:
            return
        pane, titles = table.id or "", tuple(dict.fromkeys(column.title for column in view.columns))
        hidden_titles = console.hidden_columns.get(pane, frozenset())
        console.push_screen(ColumnWindow(view.title, titles, hidden_titles, lambda choice: self._hide(pane, choice)))

    def _hide(self, pane: str, titles: frozenset[str]) -> None:
        """Hide these columns of a pane, now and in later consoles."""
        from haconsole.ui.column_choice import write_choice

        console = self._console
        console.hidden_columns = {**console.hidden_columns, pane: titles}
        if console.setting.columns is None:
            return
        try:
            write_choice(console.setting.columns, dict(console.hidden_columns))
        except OSError as error:
            text = (
                f"{console.setting.columns} cannot be written: {error.strerror}. The columns are kept until this "
                "console is closed"
            )
            console.notify(text, title="columns not saved", severity="warning", markup=False)

    def show_keys(self) -> None:
        """Show the keys of the current screen."""
        from haconsole.ui.screens.overlay import TextWindow, help_text

        text = help_text(self._keys())
        self._console.push_screen(TextWindow(lambda state, now: text))

    def _keys(self) -> tuple[Key, ...]:
        console = self._console
        return active_keys(console.screen.active_bindings, ascii_only=console.setting.ascii_only)

    def show_path(self) -> None:
        """Show the path of a request."""
        from haconsole.ui.screens.path import PathScreen

        if not isinstance(self._console.screen, PathScreen):
            self._console.push_screen(PathScreen())

    def show_details(self, key: RowKey) -> None:
        """Show the screen of a host, or everything known of another row in a window."""
        from haconsole.present.row_keys import FindingKey, HostKey
        from haconsole.ui.screens.journal import HostScreen
        from haconsole.ui.screens.overlay import FindingWindow, TextWindow, details_of

        console = self._console
        if isinstance(key, HostKey) and console.state.snapshot is not None:
            console.push_screen(HostScreen(key.host))
        elif isinstance(key, FindingKey):
            console.push_screen(FindingWindow(key))
        else:
            console.push_screen(TextWindow(lambda state, now: details_of(state, now, key), subject=key))

    def show_setting(self, name: str) -> None:
        """Show a setting, and where it is set."""
        from haconsole.present.settings import setting_detail
        from haconsole.ui.screens.overlay import TextWindow

        origin = file_origin(self._console)
        setting = next(each for each in settings_of(self._console, origin) if each.name == name)
        self._console.push_screen(TextWindow(lambda state, now: setting_detail(setting, origin, now)))

    async def _offer_commands(self) -> None:
        """Let a person choose among the commands of the current screen, its footer's first, and everything else."""
        from haconsole.present.palette import Command
        from haconsole.ui.screens.palette import Palette
        from haconsole.ui.theming import theme_names

        console = self._console
        keys = sorted(self._keys(), key=lambda key: not key.rank)
        commands = tuple(Command(key.label, key.action, key.help, key.text) for key in keys)
        themes = tuple(
            Command(f"theme {name}", f"app.request('UseTheme', {name!r})", f"Use the theme {name}")
            for name in theme_names()
        )
        hosts = tuple(
            Command(f"host {host.name}", f"app.request('ShowHost', {host.name!r})", f"Everything known of {host.name}")
            for host in console.inventory.hosts
        )
        settings = tuple(each.command for each in settings_of(console, file_origin(console)))
        others = (*self._actions(), *hosts, *settings, *themes)
        action = await console.push_screen_wait(Palette("commands", (*commands, *others)))
        if action is not None:
            await self._run(action)

    def _actions(self) -> tuple[Command, ...]:
        """The actions as commands of the palette; none in read-only mode."""
        if self._console.read_only:
            return ()
        from haconsole.actions.catalogue import catalogue
        from haconsole.present.offers import offered

        offers = offered(catalogue(), None, self._console.state.snapshot, ())
        return tuple(replace(each, key="", action=f"app.request('BeginAction', {each.action!r})") for each in offers)

    async def _run(self, action: str) -> None:
        """Run a key's action on the innermost part of the screen that has it."""
        screen = self._console.screen
        name = action.partition("(")[0]
        for node in (screen.focused or screen).ancestors_with_self:
            if hasattr(node, f"action_{name}"):
                await self._console.run_action(action, node)
                return
        await self._console.run_action(action)


def file_origin(console: Console) -> FileOrigin | None:
    """The inventory's file as it is now; None without one."""
    from haconsole.inventory.origin import origin_of

    return origin_of(console.setting.file) if console.setting.file is not None else None


def settings_of(console: Console, origin: FileOrigin | None) -> tuple[SettingView, ...]:
    """The settings of the console and of its inventory."""
    from haconsole.present.settings import settings

    setting, option = console.setting, ""
    if setting.read_only:
        option = "a recording has no hosts" if setting.recorded else "set by the option --read-only of this console"
    return settings(console.inventory, origin, option=option, signal=setting.signal, hook=setting.hook)
