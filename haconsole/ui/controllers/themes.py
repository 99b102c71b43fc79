"""The console's theme: the next one, one by name, or its file reloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from haconsole.ui import error_text
from haconsole.ui.messages import NextTheme, ReloadTheme, ThemeRequest, UseTheme
from haconsole.ui.style_table import inks_of
from haconsole.ui.theming import ThemeError, find_theme, theme_folders, theme_names

if TYPE_CHECKING:
    from haconsole.ui.console import Console

BUILTIN = "textual-dark"


class ThemeController:
    """Sets the theme and the styles of the console; an invalid theme changes nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: ThemeRequest) -> None:
        setting, current = self._console.setting, self._console.theme
        match request:
            case NextTheme():
                names = theme_names()
                self.use(names[(names.index(current) + 1) % len(names)] if current in names else names[0])
            case ReloadTheme():
                self.use(setting.theme_source if current == setting.theme.name else current)
            case UseTheme(name=name):
                self.use(name)
            case _:
                assert_never(request)

    def use(self, source: str) -> None:
        """Use a theme, by its name or its file; its errors are shown."""
        console = self._console
        try:
            theme = find_theme(source, theme_folders(), sixteen=console.setting.sixteen)
        except ThemeError as error:
            console.notify(error_text.in_words(error), title="theme not changed", severity="error", markup=False)
            return
        console.register_theme(theme)
        console.inks = inks_of(theme)
        console.theme = BUILTIN  # the same name twice would change nothing
        console.theme = theme.name
        console.clear_notifications()
        console.notify(f"theme {theme.name}", timeout=2, markup=False)
