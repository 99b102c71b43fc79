"""The console's theme: the next one, one by name, or its file reloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haconsole.ui import error_text
from haconsole.ui.style_table import inks_of
from haconsole.ui.theming import ThemeError, find_theme, theme_files, theme_folders

if TYPE_CHECKING:
    from haconsole.ui.app import ConsoleApp

BUILTIN = "textual-dark"


class ThemeController:
    """Sets the theme and the styles of the app that owns it; an invalid theme changes nothing."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    @property
    def names(self) -> tuple[str, ...]:
        """The available themes, in their order."""
        return tuple(sorted(theme_files(theme_folders())))

    def following(self) -> None:
        """Use the next theme."""
        names, now = self.names, self._app.theme
        self.use(names[(names.index(now) + 1) % len(names)] if now in names else names[0])

    def reload(self) -> None:
        """Reload the file of the current theme."""
        setting, now = self._app.setting, self._app.theme
        self.use(setting.theme_source if now == setting.theme.name else now)

    def use(self, source: str) -> None:
        """Use a theme, by its name or its file; its errors are shown."""
        app = self._app
        try:
            theme = find_theme(source, theme_folders(), sixteen=app.setting.sixteen)
        except ThemeError as error:
            app.notify(error_text.in_words(error), title="theme not changed", severity="error", markup=False)
            return
        app.register_theme(theme)
        app.inks = inks_of(theme)
        app.theme = BUILTIN  # the same name twice would change nothing
        app.theme = theme.name
        app.clear_notifications()
        app.notify(f"theme {theme.name}", timeout=2, markup=False)
