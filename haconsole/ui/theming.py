"""Themes: YAML files, checked against a model, made into what Textual paints with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from haconsole.errors import ExitCode, HaconsoleError
from haconsole.ui.present.cells import Tone

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT = "dark"
WITHOUT_COLOUR = "monochrome"
"""The theme for NO_COLOR: it says everything without a colour."""

Colour = Annotated[
    str,
    Meta(
        pattern=r"^(#[0-9a-fA-F]{6}|ansi_[a-z_]+)$",
        description="a colour like #1c2532, or one of the terminal's own like ansi_red",
    ),
]
Native = Annotated[
    str, Meta(pattern=r"^ansi_[a-z_]+$", description="one of the terminal's own sixteen colours, like ansi_bright_red")
]
Style = Annotated[
    str,
    Meta(
        pattern=r"^(none|(bold|dim|italic|underline|reverse)( (bold|dim|italic|underline|reverse))*)$",
        description="none, or words out of bold, dim, italic, underline, reverse",
    ),
]


class ThemeError(HaconsoleError):
    """A theme that is not there or not right."""

    exit_code = ExitCode.USAGE


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a theme file's parts."""


class Colours(_Part, frozen=True, kw_only=True):
    """Every colour the console uses; `bar` is the screen's first line, `head` the first line of a pane."""

    background: Colour
    foreground: Colour
    head: Colour
    head_focused: Colour
    bar: Colour
    bar_text: Colour
    cursor: Colour
    cursor_text: Colour
    muted: Colour
    accent: Colour
    good: Colour
    warning: Colour
    critical: Colour
    unknown: Colour
    stale: Colour


class Styles(_Part, frozen=True, kw_only=True):
    """Text styles beside the colours, for terminals and eyes that see none; `chip` is a state on the bar."""

    head: Style = "bold"
    head_focused: Style = "bold"
    bar: Style = "none"
    chip: Style = "bold"
    cursor: Style = "none"
    muted: Style = "none"
    accent: Style = "bold"
    good: Style = "none"
    warning: Style = "none"
    critical: Style = "bold"
    unknown: Style = "none"
    stale: Style = "none"


ColourName = Literal[
    "background",
    "foreground",
    "head",
    "head_focused",
    "bar",
    "bar_text",
    "cursor",
    "cursor_text",
    "muted",
    "accent",
    "good",
    "warning",
    "critical",
    "unknown",
    "stale",
]
SIXTEEN_DARK = Colours(
    background="ansi_black",
    foreground="ansi_bright_white",
    head="ansi_black",
    head_focused="ansi_blue",
    bar="ansi_white",
    bar_text="ansi_black",
    cursor="ansi_cyan",
    cursor_text="ansi_black",
    muted="ansi_white",
    accent="ansi_bright_cyan",
    good="ansi_bright_green",
    warning="ansi_bright_yellow",
    critical="ansi_bright_red",
    unknown="ansi_bright_magenta",
    stale="ansi_white",
)
SIXTEEN_LIGHT = Colours(
    background="ansi_bright_white",
    foreground="ansi_black",
    head="ansi_bright_white",
    head_focused="ansi_bright_cyan",
    bar="ansi_blue",
    bar_text="ansi_bright_white",
    cursor="ansi_blue",
    cursor_text="ansi_bright_white",
    muted="ansi_bright_black",
    accent="ansi_blue",
    good="ansi_green",
    warning="ansi_yellow",
    critical="ansi_red",
    unknown="ansi_magenta",
    stale="ansi_bright_black",
)
"""What terminals of sixteen colours are painted with: the nearest of theirs would make different states look alike."""


class ThemeFile(_Part, frozen=True, kw_only=True):
    """A theme as its file holds it. `native` leaves the sixteen colours to the terminal.

    `sixteen` is what differs, on a terminal of sixteen colours, from what dark or light themes have there.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    summary: Annotated[str, Meta(max_length=100)] = ""
    dark: bool = True
    native: bool = False
    colours: Colours
    styles: Styles = Styles()
    sixteen: dict[ColourName, Native] = {}

    def in_sixteen(self) -> ThemeFile:
        """The theme as a terminal of sixteen colours can show it."""
        if self.native:
            return self
        usual = SIXTEEN_DARK if self.dark else SIXTEEN_LIGHT
        styles = msgspec.structs.replace(self.styles, head="bold underline")
        colours = msgspec.structs.replace(usual, **self.sixteen)
        return msgspec.structs.replace(self, native=True, colours=colours, styles=styles)


def theme_folders() -> tuple[Path, ...]:
    """Where themes are looked for: beside the installed package's modules, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    return tuple(folder for folder in (package / "themes", package.parent / "themes") if folder.is_dir())


def theme_files(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Theme names and their files; a name that stands in two folders is the first one's."""
    files = (path for folder in reversed(folders) for path in sorted(folder.glob("*.yaml")))
    return {path.stem: path for path in files}


def find_theme(name: str, folders: tuple[Path, ...], *, sixteen: bool = False) -> Theme:
    """The theme called `name`, or in the file `name` if that ends in ``.yaml``. Raises ThemeError.

    `sixteen` makes it one for a terminal that has no more colours.
    """
    if name.endswith((".yaml", ".yml")):
        return load_theme(Path(name).expanduser(), sixteen=sixteen)
    files = theme_files(folders)
    if name not in files:
        raise ThemeError(
            f"there is no theme {name!r}", mend=f"choose one of: {', '.join(sorted(files)) or 'none found'}"
        )
    return load_theme(files[name], sixteen=sixteen)


def load_theme(path: Path, *, sixteen: bool = False) -> Theme:
    """Read and check one theme file. Raises ThemeError with the file, the place in it and what is wrong."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        theme = msgspec.convert(data, ThemeFile)
    except OSError as error:
        raise ThemeError(f"theme {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ThemeError(f"theme {path}: not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise ThemeError(f"theme {path}: {error}", mend="themes/dark.yaml has every field a theme needs") from error
    return textual_theme(theme.in_sixteen() if sixteen else theme, path)


def textual_theme(theme: ThemeFile, path: Path) -> Theme:
    """The Textual theme, tried out, so that a colour it cannot paint is an error here and not a crash later."""
    from textual.color import ColorParseError
    from textual.theme import Theme

    colours = theme.colours
    made = Theme(
        name=theme.name,
        primary=colours.accent,
        secondary=colours.head_focused,
        accent=colours.accent,
        warning=colours.warning,
        error=colours.critical,
        success=colours.good,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.background,
        panel=colours.head,
        boost=colours.background if theme.native else None,
        dark=theme.dark,
        ansi=theme.native,
        variables=dict(_variables(theme)),
    )
    try:
        made.to_color_system().generate()
        for value in msgspec.structs.astuple(colours):
            _parse(value)
    except (ColorParseError, ValueError) as error:
        raise ThemeError(f"theme {path}: a colour cannot be painted: {' '.join(str(error).split())}") from error
    return made


def _parse(colour: str) -> None:
    from textual.color import Color

    Color.parse(colour)


def _variables(theme: ThemeFile) -> Iterator[tuple[str, str]]:
    """The names console.tcss paints with, and those of Textual's own widgets that must agree with them."""
    colours, styles = theme.colours, theme.styles
    yield "tone-plain", colours.foreground
    yield "tone-plain-style", "none"
    for tone in Tone:
        if tone not in (Tone.PLAIN, Tone.MARK):
            yield f"tone-{tone}", getattr(colours, tone)
            yield f"tone-{tone}-style", getattr(styles, tone)
    for part in ("head", "head_focused", "bar", "cursor"):
        yield part.replace("_", "-"), getattr(colours, part)
        yield f"{part.replace('_', '-')}-style", getattr(styles, part)
    yield "field-cursor-style", "not reverse" if "reverse" in styles.cursor else "reverse"
    yield "bar-text", colours.bar_text
    yield "cursor-text", colours.cursor_text
    yield "block-cursor-background", colours.cursor
    yield "block-cursor-foreground", colours.cursor_text
    yield "block-cursor-text-style", styles.cursor
    yield "block-cursor-blurred-background", colours.cursor
    yield "block-cursor-blurred-foreground", colours.cursor_text
    yield "text-muted", colours.muted
    yield "border", colours.accent
    yield "chip-style", styles.chip
    yield "tone-mark-style", "bold" if styles.cursor == "none" else styles.cursor
    yield "ansi-background", colours.background
    yield "ansi-foreground", colours.foreground
